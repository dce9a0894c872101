"""The invented demo brand: its site, its posts and a server for them."""
