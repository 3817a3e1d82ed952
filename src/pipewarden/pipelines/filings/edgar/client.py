"""The polite HTTP client: who it says it is, how fast it asks, and when it asks again.

SEC's fair-access policy asks for a declared user agent with a contact and for at most ten requests
a second from one user (https://www.sec.gov/os/accessing-edgar-data).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from pipewarden import InvalidSettings, MissingExtra
from pipewarden.pipelines.filings.edgar.answers import (
    BadAnswer,
    NotOnEdgar,
    Refused,
    Retriable,
    Throttled,
    Unreachable,
    parse_json,
)
from pipewarden.pipelines.filings.edgar.pacing import (
    Backoff,
    Clock,
    RateLimiter,
    retry_after_seconds,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

MAX_REQUESTS_PER_SECOND = 10.0
_POLICY = (
    "SEC's fair-access policy asks automated clients to declare who they are and to stay at or "
    "below 10 requests per second (https://www.sec.gov/os/accessing-edgar-data)"
)
_CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgarSettings:
    """How to reach EDGAR, and how politely.

    Raises
    ------
    InvalidSettings
        No user agent with a contact address is declared, or a number is out of range.
    """

    #: Name and e-mail address, such as ``Example Research research@example.com``.
    user_agent: str
    www_url: str = "https://www.sec.gov"
    data_url: str = "https://data.sec.gov"
    #: Below SEC's limit of ten, because departures evenly spaced do not arrive so.
    requests_per_second: float = 8.0
    #: Tries of one request, the first included.
    attempts: int = 6
    #: Seconds to connect, and between two pieces of an answer.
    timeout: float = 30.0
    #: Seconds for one whole answer, however slowly it drips.
    total_timeout: float = 900.0
    #: The longest ``Retry-After`` that is waited for, in seconds; SEC's blocks last ten minutes.
    longest_wait: float = 900.0
    max_json_bytes: int = 64 * 1024 * 1024
    max_document_bytes: int = 512 * 1024 * 1024
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        _check_user_agent(self.user_agent)
        for url in (self.www_url, self.data_url):
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
                raise InvalidSettings(f"{url!r} is not an http or https address")
        if not 0 < self.requests_per_second <= MAX_REQUESTS_PER_SECOND:
            raise InvalidSettings(
                f"{self.requests_per_second:g} requests per second is not above 0 and at most 10",
                next_step=_POLICY,
            )
        if self.attempts < 1:
            raise InvalidSettings(f"attempts must be 1 or more, not {self.attempts}")


def _check_user_agent(user_agent: str) -> None:
    if not user_agent.strip():
        problem = "downloading from EDGAR needs a declared user agent"
    elif not (user_agent.isascii() and user_agent.isprintable()):
        problem = "the user agent must be printable ASCII, because it travels in an HTTP header"
    elif not _CONTACT.search(user_agent):
        problem = f"the user agent {user_agent!r} has no e-mail address to contact you at"
    else:
        return
    raise InvalidSettings(
        f"{problem}: {_POLICY}",
        next_step='--user-agent "Your Company you@your-company.com", '
        "or set PIPEWARDEN_EDGAR_USER_AGENT",
    )


class EdgarClient:
    """One polite conversation with EDGAR; use it in a ``with`` block, from one thread.

    Raises
    ------
    MissingExtra
        The HTTP library is not installed.
    """

    def __init__(self, settings: EdgarSettings, clock: Clock | None = None) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtra("Downloading filings", "filings") from error
        self.settings = settings
        self.clock = clock or Clock()
        #: How many requests gave something usable, or a plain "not found".
        self.answered = 0
        self._limiter = RateLimiter(settings.requests_per_second, self.clock)
        self._http = httpx.Client(
            headers={"User-Agent": settings.user_agent.strip()}, timeout=settings.timeout
        )
        self._origins = {_origin(settings.www_url), _origin(settings.data_url)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.close()

    def json(self, url: str) -> Any:
        """Return the JSON value at ``url``.

        Raises
        ------
        EdgarError
            It is not there, or no try gave readable JSON.
        """

        def read(response: httpx.Response) -> Any:
            if response.status_code != 200:
                raise BadAnswer(f"{url} answered {response.status_code} to a plain request")
            body = bytearray()
            for piece in self.pieces(response, response.iter_bytes()):
                body += piece
                if len(body) > self.settings.max_json_bytes:
                    raise Refused(f"{url} answered with more than is sane", reason="too_large")
            return parse_json(url, bytes(body))

        return self.request(url, read)

    def request(
        self,
        url: str,
        read: Callable[[httpx.Response], T],
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> T:
        """Ask for ``url`` until ``read`` accepts an answer, within the bound on tries.

        Parameters
        ----------
        read
            Takes the open answer and returns what it makes of it, or raises `Retriable`.
        headers
            Called before each try, because what is left to ask for may have changed.

        Raises
        ------
        EdgarError
            The last failure.
        """
        failures = 0
        while True:
            try:
                with self._open(url, headers()) as response:
                    result = read(response)
            except Retriable as failure:
                failures += 1
                self._pause(failure, failures)
            except NotOnEdgar:
                self.answered += 1
                raise
            else:
                self.answered += 1
                return result

    def pieces(self, response: httpx.Response, body: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces of a body until the time for one answer is over.

        Raises
        ------
        Unreachable
            The answer takes longer than the total time-out.
        """
        end = self.clock.monotonic() + self.settings.total_timeout
        for piece in body:
            yield piece
            if self.clock.monotonic() > end:
                limit = self.settings.total_timeout
                raise Unreachable(f"{response.url} was not complete after {limit:g} s")

    def _pause(self, failure: Retriable, failures: int) -> None:
        """Wait before the next try, or raise the failure when there is none."""
        if failures >= self.settings.attempts:
            raise failure
        asked = failure.retry_after
        if asked is not None and asked > self.settings.longest_wait:
            failure.next_step = f"run the same command again in {asked:.0f} s"
            raise failure
        self.clock.sleep(self.settings.backoff.seconds(failures) if asked is None else asked)

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Open the answer to one request, following redirects that stay on EDGAR."""
        import httpx

        at = url
        for _ in range(_MAX_REDIRECTS + 1):
            self._limiter.wait()
            try:
                with self._http.stream("GET", at, headers=dict(headers)) as response:
                    if response.status_code not in _REDIRECTS:
                        self._check_status(url, response)
                        yield response
                        return
                    at = self._redirected(at, response.headers.get("Location", ""))
            except (httpx.TransportError, httpx.DecodingError) as error:
                what = str(error) or type(error).__name__
                raise Unreachable(f"{url} did not answer: {what}") from error
        raise Refused(f"{url} redirects more than {_MAX_REDIRECTS} times", reason="redirect")

    def _redirected(self, at: str, location: str) -> str:
        import httpx

        try:
            target = str(httpx.URL(at).join(location))
        except httpx.InvalidURL as error:
            raise Refused(f"{at} redirects to no valid address", reason="redirect") from error
        if not location or _origin(target) not in self._origins:
            raise Refused(f"{at} redirects away from EDGAR, to {target!r}", reason="redirect")
        return target

    def _check_status(self, url: str, response: httpx.Response) -> None:
        status = response.status_code
        if status in {200, 206, 416}:  # the last two answer a Range; whoever sent it judges them
            return
        wait = retry_after_seconds(response.headers.get("Retry-After"), self.clock.now())
        if status in {403, 429}:
            raise Throttled(
                f"SEC answered {status} to {url}: too many requests, or a user agent that it "
                "does not accept",
                retry_after=wait,
                next_step="wait ten minutes, check the user agent, then run the command again",
            )
        if status in {408, 425} or status >= 500:
            raise Unreachable(f"{url} answered {status}", retry_after=wait)
        if status in {404, 410}:
            raise NotOnEdgar(f"{url} does not exist (status {status})")
        raise Refused(f"{url} answered {status}")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
