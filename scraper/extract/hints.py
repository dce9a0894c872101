"""What class names, ids and roles say about the place of a block on its page."""

import re

_WORDS = {
    "nav": r"nav(?!y)|menu|breadcrumb|toolbar|sitemap|toc\b|table-of-contents|skip|paginat|"
    r"pager",
    "crumb": r"breadcrumb|crumbs",
    "page": r"paginat|pager|page-numbers",
    "foot": r"foot(?!age)|copyright|colophon|legal|bottom",
    "head": r"(?<!sub)header|masthead|topbar|top-bar|banner|announce|site-head|navbar",
    "title": r"title|heading|headline|caption",
    "side": r"side|rail\b|aside|complementary",
    "cookie": r"cookie|consent|gdpr|onetrust|privacy|cmp\b",
    "mail": r"newsletter|subscri|sign-?up|mailing|optin|opt-in",
    "more": r"relat|recommend|also|upsell|cross-?sell|similar|suggest|recent|popular|trending|"
    r"more-|you-may|next-|prev-|read-?next|latest",
    "slide": r"carousel|slider|slick|swiper|slide|gallery|owl-|glide",
    "review": r"review|rating|stars?\b|testimonial|yotpo|bazaarvoice|bv-|feedback",
    "comment": r"comment|disqus|respond",
    "thread": r"thread|topic|message|reply|replies|discussion|forum|conversation|answer|question|"
    r"postbody|post-body|bbwrapper|cooked|postcontent",
    "user": r"user|member|avatar|signature|profile|author|byline|vcard|poster|karma|badge",
    "share": r"share|social|follow|twitter|facebook|whatsapp|instagram|linkedin|pinterest",
    "modal": r"modal|popup|pop-up|overlay|dialog|drawer|offcanvas|off-canvas|lightbox|flyout|toast|"
    r"tooltip|dropdown|popover|alert",
    "cart": r"cart|checkout|basket|minicart|bag\b|wishlist",
    "search": r"search|filter|facet|sort|refine|toolbar",
    "product": r"product|pdp|sku|item-detail",
    "detail": r"descri|detail|spec|accordion|tab-|tabs|tab\b|panel|collaps|feature|attribute|"
    r"ingredient|overview|summary|about|info",
    "content": r"content|entry|article|post\b|post-|story|body|prose|rte\b|richtext|rich-text|"
    r"markdown|wysiwyg|main|text|copy\b|editorial|blog",
    "hero": r"hero|banner|jumbotron|masthead|lead\b|intro|subtitle|tagline",
    "card": r"card|tile|grid|item|listing|product-list|results?|teaser|list\b|entry",
    "price": r"price|amount|money|currency|discount|sale",
    "buy": r"add-to|addto|buy|quantity|qty|variant|swatch|option|selector|size|colou?r",
    "login": r"log-?in|sign-?in|account|register|auth\b",
    "ad": r"\bads?\b|\bad-|advert|sponsor|promo|dfp|adsense|outbrain|taboola|affiliate|campaign",
    "meta": r"meta\b|meta-|date|time\b|published|posted|tags?\b|tag-|categor|label|topics",
    "faq": r"faq|question|answer|accordion|toggle|help",
    "hidden": r"hidden|visually|sr-only|screen-?reader|d-none|hide|assistive|noprint|no-print|"
    r"offscreen|a11y",
    "code": r"highlight|code|snippet|copy-?button|clipboard|language-|prism|console",
    "doc": r"docs?\b|docs-|documentation|reference|api\b|manual|guide|mw-|edit",
    "widget": r"widget|plugin|module|block-|sidebar|embed|shortcode",
    "cta": r"cta\b|cta-|call-to|button|btn|link\b|action",
    "store": r"store|location|shipping|delivery|return|payment|trust|guarantee|usp\b|benefit",
    "logo": r"logo|brand\b|partner|client|customer|award|press\b|icon",
    "locale": r"lang|locale|country|region|currency|geo\b",
    "table": r"table|row\b|column|col-|cell",
    "section": r"section|container|wrapper|inner|region|shopify-section|elementor|et_pb|wp-block|"
    r"vc_|fusion",
}
HINTS = tuple(_WORDS)
_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in _WORDS.items())
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def hints_in(names: str) -> list[str]:
    """The hints that the class names, id and role of an element give."""
    spelled = _CAMEL.sub("-", names).lower().replace("_", "-")
    return [name for name, pattern in _PATTERNS if pattern.search(spelled)]
