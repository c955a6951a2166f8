"""HTTP that the listener's drain and the site share: client addresses, origin checks, and streamed uploads."""
