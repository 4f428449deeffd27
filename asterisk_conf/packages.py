"""The Debian packages an Asterisk prefix is made of."""

SUITE = "forky"
"""The suite that carries Asterisk 22.10.1; the stable releases before it carry none."""

PACKAGES = (
    "asterisk",
    "asterisk-modules",
    "asterisk-config",
    "libbsd0",
    "libc6",
    "libcap2",
    "libcom-err2",
    "libcrypt1",
    "libedit2",
    "libgcc-s1",
    "libgsm1",
    "libgssapi-krb5-2",
    "libidn2-0",
    "libjansson4",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "libmd0",
    "libnspr4",
    "libnss3",
    "libsqlite3-0",
    "libsrtp2-1",
    "libssl3t64",
    "libstdc++6",
    "libsystemd0",
    "libtinfo6",
    "libunistring5",
    "liburiparser1",
    "libuuid1",
    "libxml2-16",
    "libxslt1.1",
    "libzstd1",
    "zlib1g",
)
"""Asterisk and the libraries our modules need. Their names move with the suite; then the whole closure is taken."""
