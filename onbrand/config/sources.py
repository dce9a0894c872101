"""The brand and its sources: from what is collected to the data set."""

from typing import Literal

from pydantic import Field

from onbrand.config.section import Section, Share


class Brand(Section):
    """Who speaks."""

    name: str = Field("", description="The brand's name, as its customers write it")
    persona: str = Field(
        "", description="One or two plain sentences on how the brand speaks (system prompt)"
    )


class Website(Section):
    """The brand's site."""

    start_urls: list[str] = Field([], description="Where the crawl starts; http or https URLs")
    max_pages: int = Field(500, ge=1, description="Pages fetched at most")
    max_depth: int = Field(10, ge=0, description="Links followed from a start URL, at most")
    include: list[str] = Field(
        [], description='Only pages whose path matches, such as "/blog/*" (empty: all)'
    )
    exclude: list[str] = Field(
        [], description='Pages left out by path, such as "/careers/*"; wins over include'
    )
    concurrency: int = Field(4, ge=1, le=64, description="Requests in flight at once")
    host_concurrency: int = Field(
        0, ge=0, le=64, description="Requests in flight at once to one host (0: no own limit)"
    )
    delay_seconds: float = Field(
        0.0, ge=0, description="Pause between two requests to one host, seconds"
    )
    timeout_seconds: float = Field(20.0, gt=0, description="Longest wait for one page, seconds")
    max_page_mb: float = Field(10.0, gt=0, description="Largest page read, megabytes")
    obey_robots: bool = Field(True, description="Keep to robots.txt")
    render: Literal["auto", "never", "always"] = Field(
        "auto", description="Chromium for pages whose text is written by JavaScript"
    )
    render_hosts: list[str] = Field(
        [],
        description='Other hosts that pages may load scripts from, such as "cdn.example.net"',
    )
    user_agent: str = Field(
        "onbrand/0.1", description="Name given to the site; add a way to reach you"
    )


class Social(Section):
    """Facebook and Instagram, from Apify's exports or its actors."""

    facebook_exports: list[str] = Field(
        [], description="Exports of apify/facebook-posts-scraper; paths within the workspace"
    )
    instagram_exports: list[str] = Field(
        [], description="Exports of apify/instagram-scraper; paths within the workspace"
    )
    facebook_pages: list[str] = Field(
        [], description="Page URLs to fetch with the actor (needs APIFY_TOKEN)"
    )
    instagram_profiles: list[str] = Field(
        [], description="Profile URLs to fetch with the actor (needs APIFY_TOKEN)"
    )
    accounts: list[str] = Field(
        [], description="The brand's own accounts; posts by others are dropped (empty: keep all)"
    )
    max_items: int = Field(
        200, ge=1, description="Posts bought from an actor per profile and run, at most"
    )
    only_new: bool = Field(
        True, description="Buy only posts newer than those at hand; false: all of them again"
    )
    overlap_days: int = Field(
        7, ge=0, description="How far before the newest post at hand new ones are asked for, days"
    )
    api_url: str = Field("https://api.apify.com", description="Address of Apify's API")


class Files(Section):
    """Texts that already lie on disk."""

    paths: list[str] = Field(
        [], description="Text files (.txt, .md) or folders of them; paths within the workspace"
    )


class Clean(Section):
    """How raw texts become records."""

    min_words: int = Field(4, ge=1, description="Shortest text kept, words")
    contact: Literal["mask", "remove", "keep"] = Field(
        "mask", description="Phone numbers and e-mail addresses: [phone] and [email], out, or kept"
    )
    street_addresses: bool = Field(
        False, description="Treat street addresses as contact data; phone_region US, CA or GB only"
    )
    phone_region: str = Field(
        "US", description="Country whose phone format is read without +; ISO 3166 code"
    )
    sponsored: Literal["keep", "drop"] = Field(
        "keep", description="Posts marked as advertising or paid partnership"
    )
    shared: Literal["keep", "drop"] = Field(
        "drop", description="Posts that pass another post on, or repeat another account's words"
    )
    repeated_block_share: float = Field(
        0.3, gt=0, le=1, description="A block on at least this share of a site's pages is furniture"
    )
    near_duplicate: float = Field(
        0.7, gt=0, le=1, description="Jaccard similarity from which two texts stay in one split"
    )


class Dataset(Section):
    """How records become train, validation and test."""

    test_share: Share = Field(
        0.1, description="Share of the records (newest: of those with a date) held out, by group"
    )
    validation_share: Share = Field(
        0.1, description="Share of the remaining records, with a date or not, for validation"
    )
    split: Literal["random", "newest"] = Field(
        "random", description="Test texts: drawn from the seed, or the newest by date"
    )
    seed: int = Field(13, description="Decides which group goes where")
