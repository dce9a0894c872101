"""Facebook and Instagram posts, from Apify's exports or straight from its actors."""
