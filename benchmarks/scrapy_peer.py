"""Scrapy with trafilatura on the benchmark's static pages: prints pages and seconds as JSON."""

import json
import sys
import time

import scrapy
import trafilatura
from scrapy.crawler import CrawlerProcess

count = 0


class Pages(scrapy.Spider):
    name = "pages"
    start_urls = (sys.argv[1],)

    def parse(self, response):
        global count
        if trafilatura.extract(response.text):
            count += 1
        for link in response.css("a::attr(href)").getall():
            yield response.follow(link, self.parse)


process = CrawlerProcess(
    {
        "LOG_ENABLED": False,
        "CONCURRENT_REQUESTS": 16,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": True,
        "TELNETCONSOLE_ENABLED": False,
    }
)
process.crawl(Pages)
started = time.monotonic()
process.start()
print(json.dumps({"pages": count, "seconds": time.monotonic() - started}))
