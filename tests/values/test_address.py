"""Addresses of remotes: no password, no token."""

from __future__ import annotations

import pytest

from labq.values.address import absolute, stripped

ADDRESSES = [
    ("https://example.org/lab/code.git", "https://example.org/lab/code.git"),
    ("https://ann:s3cret@example.org/lab.git", "https://example.org/lab.git"),
    ("https://s3cret@example.org:8443/lab", "https://example.org:8443/lab"),
    ("https://ann:s3@cret@example.org/lab", "https://example.org/lab"),
    ("https://ann:s3/cret@example.org/lab", "https://example.org/lab"),
    ("https://ann:s3#cr?et@example.org/lab", "https://example.org/lab"),
    ("https://root:s3cr@tPart/x@example.org/lab", "https://example.org/lab"),
    ("git:s3cr@et@example.org:lab.git", "git@example.org:lab.git"),
    ("host:lab@v1/x", "host:lab@v1/x"),
    ("https://example.org/lab?private_token=s3cret#s3cret", "https://example.org/lab"),
    ("https://example.org/@ann/lab", "https://example.org/@ann/lab"),
    ("https://example.org:8443/@ann/lab", "https://example.org:8443/@ann/lab"),
    ("codecommit::https://ann:s3cret@example.org/x", "codecommit::https://example.org/x"),
    ("ssh://git@example.org:2222/lab.git", "ssh://git@example.org:2222/lab.git"),
    ("ssh://git:s3cret@example.org/lab.git", "ssh://git@example.org/lab.git"),
    ("git@example.org:lab/code.git", "git@example.org:lab/code.git"),
    ("git:s3cret@example.org:lab.git", "git@example.org:lab.git"),
    ("https://ann:s3cret@[::1]:8443/lab", "https://[::1]:8443/lab"),
    ("https://[::1]:8443/@ann/lab", "https://[::1]:8443/@ann/lab"),
    ("/srv/git/a@b:c.git", "/srv/git/a@b:c.git"),
    ("file:///srv/a@b.git", "file:///srv/a@b.git"),
    ("", ""),
]


@pytest.mark.parametrize(("url", "wanted"), ADDRESSES)
def test_an_address_has_no_secret_and_still_leads_there(url, wanted):
    assert stripped(url) == wanted


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("../code.git", "/srv/code.git"),
        ("code", "/srv/lab/code"),
        ("/x/code", "/x/code"),
        ("host:code", "host:code"),
        ("https://h/x", "https://h/x"),
        ("", ""),
    ],
)
def test_a_relative_path_is_one_from_the_top_of_the_repository(url, wanted):
    assert absolute(url, "/srv/lab") == wanted
