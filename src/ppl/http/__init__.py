"""HTTP that the listener's drain and the site share: who asks, from which page, and bodies taken as they come."""
