"""One visit: what becomes of a URL whose turn has come."""

import hashlib
from dataclasses import replace

from onbrand.artifact import now
from onbrand.config import Website
from scraper.raw import Page
from scraper.website.charset import decode
from scraper.website.document import HTML_TYPES, needs_javascript, parse
from scraper.website.earlier import Earlier, EarlierPage
from scraper.website.fetch import MOST_REDIRECTS, Answer, Fetcher, FetchError
from scraper.website.frontier import Entry, Frontier
from scraper.website.links import canonical, links
from scraper.website.login_wall import asks_for_login, leads_to_login
from scraper.website.one_page import readable_at
from scraper.website.pdf import (
    MOST_PAGES,
    PDF_TYPE,
    PdfError,
    as_html,
    is_pdf,
    may_be_pdf,
    read_pdf,
)
from scraper.website.reading import Reader, Reading, as_it_came
from scraper.website.render import Renderer
from scraper.website.robots import Robots
from scraper.website.selection import Selection
from scraper.website.soft_404 import Look, Soft404

_REFUSALS = {
    401: "it asks for a login (HTTP 401)",
    403: "HTTP 403: it asks for a login, or keeps crawlers out",
}


class Visitor:
    """Visits URLs and writes into the frontier what became of them."""

    def __init__(
        self,
        settings: Website,
        frontier: Frontier,
        fetcher: Fetcher,
        robots: Robots,
        selection: Selection,
        renderer: Renderer,
    ) -> None:
        self._settings = settings
        self._frontier = frontier
        self._fetcher = fetcher
        self._robots = robots
        self._selection = selection
        self._reader = Reader(renderer)
        self._soft_404 = Soft404(self._look)
        self._earlier = Earlier(frontier.db)

    async def visit(self, entry: Entry) -> None:
        """Fetch, render if need be, and finish the URL: page, redirect, failed or disallowed."""
        earlier = self._earlier.page(entry.url)
        try:
            if not await self._robots.allows(entry.url):
                reason = "robots.txt disallows it"
                self._frontier.finish_failed(entry.url, reason, disallowed=True)
                return
            answer = await self._fetcher.get(
                entry.url,
                wanted=readable_at(entry.url),
                known=earlier.validators if earlier else None,
            )
            if answer.redirect is not None:
                self._redirect(entry, answer.redirect)
            elif answer.status == 304 and earlier:
                await self._keep_unchanged(entry, earlier)
            elif answer.status >= 300:
                raise FetchError(_REFUSALS.get(answer.status, f"HTTP {answer.status}"))
            else:
                await self._keep(entry, answer)
        except FetchError as error:
            if earlier and error.passing:
                self._keep_for_now(entry, earlier.page, error)
            else:
                self._frontier.finish_failed(entry.url, str(error), passing=error.passing)

    def _redirect(self, entry: Entry, target: str) -> None:
        if leads_to_login(entry.url, target):
            raise FetchError(f"it asks for a login, at {target}")
        if not target:
            raise FetchError("redirects to no http or https URL")
        if objection := self._selection.objection(target):
            raise FetchError(f"redirects {objection}")
        if entry.turn >= MOST_REDIRECTS:
            raise FetchError(f"more than {MOST_REDIRECTS} redirects")
        self._frontier.finish_redirect(entry, target)

    async def _keep(self, entry: Entry, answer: Answer) -> None:
        if is_pdf(answer.body):
            await self._keep_pdf(entry, answer)
            return
        if not answer.content_type and b"<" not in answer.body[:1000]:
            raise FetchError("it is empty or no HTML")
        if may_be_pdf(_media_type(answer), entry.url):
            raise FetchError("it is called a PDF and is none")
        await self._finish(entry, answer, decode(answer.body, answer.content_type), now())

    async def _keep_pdf(self, entry: Entry, answer: Answer) -> None:
        try:
            pdf = await read_pdf(answer.body)
        except PdfError as error:
            raise FetchError(str(error)) from error
        reservation = None
        if pdf.pages > MOST_PAGES:
            reservation = f"only the first {MOST_PAGES} of its {pdf.pages} pages were read"
        answer = replace(answer, content_type=PDF_TYPE)
        await self._finish(entry, answer, as_html(pdf, entry.url), now(), reservation)

    async def _keep_unchanged(self, entry: Entry, earlier: EarlierPage) -> None:
        """Make the page anew from what an earlier crawl was sent: nothing else has come now."""
        page = earlier.page
        answer = Answer(
            page.status, page.content_type, page.etag, page.last_modified, page.canonical
        )
        await self._finish(entry, answer, earlier.plain, page.fetched_at)

    def _keep_for_now(self, entry: Entry, page: Page, error: FetchError) -> None:
        """Keep an earlier crawl's page as long as the site cannot say what has become of it."""
        tree = parse(page.html)
        found = links(tree, page.final_url) if tree is not None else set()
        self._finish_page(entry, page, found, str(error), passing=True)

    async def _finish(
        self,
        entry: Entry,
        answer: Answer,
        plain: str,
        fetched_at: str,
        reservation: str | None = None,
    ) -> None:
        """Render the page if need be, and keep it if it is one."""
        if _media_type(answer) == PDF_TYPE:
            page = as_it_came(entry.url, plain)
        else:
            page = await self._reader.read(entry.url, plain)
            await self._refuse_what_is_no_page(page)
        html, tree, final_url = page.html, page.tree, page.url
        own = canonical(tree, final_url) or answer.canonical
        kept = Page(
            url=entry.url,
            final_url=final_url,
            status=answer.status,
            fetched_at=fetched_at,
            content_type=answer.content_type,
            content_hash=hashlib.sha256(html.encode()).hexdigest(),
            etag=answer.etag,
            last_modified=answer.last_modified,
            canonical="" if own and self._selection.objection(own) else own,
            rendered=page.is_rendered,
            depth=entry.depth,
            html=html,
        )
        self._finish_page(
            entry,
            kept,
            links(tree, final_url),
            page.reservation or reservation,
            plain=plain if page.is_rendered else None,
        )

    async def _refuse_what_is_no_page(self, page: Reading) -> None:
        if asks_for_login(page.tree, page.url):
            raise FetchError("it asks for a login")
        if await self._soft_404.is_one(page.tree, page.url):
            raise FetchError("it says that there is no such page, with HTTP 200 (soft 404)")

    async def _look(self, url: str) -> Look | None:
        """What the site shows at an address, if it answers as to a page."""
        try:
            for _ in range(MOST_REDIRECTS):
                if not await self._robots.allows(url):
                    return None
                answer = await self._fetcher.get(url, wanted=HTML_TYPES.__contains__)
                if answer.redirect is None:
                    break
                if not answer.redirect or self._selection.objection(answer.redirect):
                    return None
                url = answer.redirect
            if answer.status != 200:
                return None
            page = await self._reader.read(url, decode(answer.body, answer.content_type))
        except FetchError:
            return None
        if needs_javascript(page.tree) and not page.is_rendered:
            return None
        return Look.at(page.tree, page.url)

    def _finish_page(
        self,
        entry: Entry,
        page: Page,
        found: set[str],
        reservation: str | None,
        *,
        passing: bool = False,
        plain: str | None = None,
    ) -> None:
        deeper = entry.depth < self._settings.max_depth
        sifted = self._selection.sift(found if deeper else ())
        self._frontier.finish_page(
            page.model_copy(update={"depth": entry.depth}),
            sifted,
            reservation,
            passing=passing,
            plain=plain,
        )


def _media_type(answer: Answer) -> str:
    return answer.content_type.partition(";")[0].strip().lower()
