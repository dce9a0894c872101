"""What a bot counts, for Prometheus: numbers, no ids and no words."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The metrics of one bot.

    Args:
        platform: `slack` or `discord`; a label of each.
    """

    def __init__(self, platform: str) -> None:
        self.registry = CollectorRegistry()
        label = ("platform",)
        messages = Counter(
            "onbrand_bot_messages",
            "Messages that came in, by what became of them",
            ("platform", "outcome"),
            registry=self.registry,
        )
        answers = Counter(
            "onbrand_bot_answers",
            "Answers, by how they ended",
            ("platform", "ending"),
            registry=self.registry,
        )
        under_way = Gauge(
            "onbrand_bot_answers_under_way",
            "Questions that are being answered or wait for it",
            label,
            registry=self.registry,
        )
        first_sign = Histogram(
            "onbrand_bot_first_sign_seconds",
            "From a message to the first sign of life, seconds",
            label,
            buckets=_SECONDS,
            registry=self.registry,
        )
        first_text = Histogram(
            "onbrand_bot_first_text_seconds",
            "From a message to the first text of the model, seconds",
            label,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._platform = platform
        self._messages = messages
        self._answers = answers
        self.under_way = under_way.labels(platform)
        self.first_sign = first_sign.labels(platform)
        self.first_text = first_text.labels(platform)

    def message(self, outcome: str) -> None:
        """A message came in.

        Args:
            outcome: answered, duplicate, ignored, refused, stop or waiting.
        """
        self._messages.labels(self._platform, outcome).inc()

    def answer(self, ending: str) -> None:
        """An answer ended."""
        self._answers.labels(self._platform, ending).inc()
