"""From parsed lines to committed events: ids, queues and the lanes that write."""
