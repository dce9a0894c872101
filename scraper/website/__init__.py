"""The brand's website: a crawl that resumes, with Chromium for pages written by JavaScript."""
