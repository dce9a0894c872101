"""A Slack for tests, as its documentation describes it."""
