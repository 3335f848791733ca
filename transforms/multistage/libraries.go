package multistage

import "strings"

// releaseLibrary names the library package behind a -dev package where Debian
// names it after its version. Where Debian 13 added t64 to a name (its 64-bit
// time_t packages), that package provides the old name. Where a -dev package
// brings several, they stand behind each other.
//
// Source: Debian's package lists of bullseye, bookworm and trixie.
var releaseLibrary = map[string]map[string]string{
	"libicu-dev":           {"buster": "libicu63", "bullseye": "libicu67", "bookworm": "libicu72", "trixie": "libicu76"},
	"libzip-dev":           {"buster": "libzip4", "bullseye": "libzip4", "bookworm": "libzip4", "trixie": "libzip5"},
	"libwebp-dev":          {"buster": "libwebp6", "bullseye": "libwebp6", "bookworm": "libwebp7", "trixie": "libwebp7"},
	"libavif-dev":          {"bullseye": "libavif9", "bookworm": "libavif15", "trixie": "libavif16"},
	"libldap2-dev":         {"buster": "libldap-2.4-2", "bullseye": "libldap-2.4-2", "bookworm": "libldap-2.5-0", "trixie": "libldap2"},
	"libldap-dev":          {"bullseye": "libldap-2.4-2", "bookworm": "libldap-2.5-0", "trixie": "libldap2"},
	"libtidy-dev":          {"buster": "libtidy5deb1", "bullseye": "libtidy5deb1", "bookworm": "libtidy5deb1", "trixie": "libtidy58"},
	"libmagickwand-dev":    {"bullseye": "libmagickwand-6.q16-6 libmagickcore-6.q16-6-extra", "bookworm": "libmagickwand-6.q16-6 libmagickcore-6.q16-6-extra", "trixie": "libmagickwand-7.q16-10 libmagickcore-7.q16-10-extra"},
	"libevent-dev":         {"bullseye": libevent, "bookworm": libevent, "trixie": strings.ReplaceAll(libevent, "2.1-7", "2.1-7t64")},
	"libedit-dev":          {"bullseye": "libedit2", "bookworm": "libedit2", "trixie": "libedit2"},
	"libsnmp-dev":          {"bullseye": "libsnmp40", "bookworm": "libsnmp40", "trixie": "libsnmp40t64"},
	"libuv1-dev":           {"bullseye": "libuv1", "bookworm": "libuv1", "trixie": "libuv1t64"},
	"unixodbc-dev":         {"bullseye": "unixodbc", "bookworm": "unixodbc", "trixie": "unixodbc"},
	"libpspell-dev":        {"bullseye": "libaspell15", "bookworm": "libaspell15", "trixie": "libaspell15"},
	"libc-client2007e-dev": {"bullseye": "libc-client2007e", "bookworm": "libc-client2007e"},
	"libvips-dev":          {"buster": "libvips42", "bullseye": "libvips42", "bookworm": "libvips42", "trixie": "libvips42t64"},
	"libffi-dev":           {"buster": "libffi6", "bullseye": "libffi7", "bookworm": "libffi8", "trixie": "libffi8"},
	"libmemcached-dev":     {"buster": "libmemcached11", "bullseye": "libmemcached11", "bookworm": "libmemcached11", "trixie": "libmemcached11t64"},
	"libssh2-1-dev":        {"buster": "libssh2-1", "bullseye": "libssh2-1", "bookworm": "libssh2-1", "trixie": "libssh2-1t64"},
	"freetds-dev":          {"buster": "libsybdb5", "bullseye": "libsybdb5", "bookworm": "libsybdb5", "trixie": "libsybdb5"},
	"libmcrypt-dev":        {"buster": "libmcrypt4", "bullseye": "libmcrypt4", "bookworm": "libmcrypt4", "trixie": "libmcrypt4"},
	"librabbitmq-dev":      {"buster": "librabbitmq4", "bullseye": "librabbitmq4", "bookworm": "librabbitmq4", "trixie": "librabbitmq4"},
	"libxpm-dev":           {"buster": "libxpm4", "bullseye": "libxpm4", "bookworm": "libxpm4", "trixie": "libxpm4"},
	"libc-client-dev":      {"buster": "libc-client2007e", "bullseye": "libc-client2007e", "bookworm": "libc-client2007e"},
	"libkrb5-dev":          {"buster": "libgssapi-krb5-2", "bullseye": "libgssapi-krb5-2", "bookworm": "libgssapi-krb5-2", "trixie": "libgssapi-krb5-2"},
	"libbz2-dev":           {"buster": "libbz2-1.0", "bullseye": "libbz2-1.0", "bookworm": "libbz2-1.0", "trixie": "libbz2-1.0"},
	"libzstd-dev":          {"buster": "libzstd1", "bullseye": "libzstd1", "bookworm": "libzstd1", "trixie": "libzstd1"},
	"librdkafka-dev":       {"buster": "librdkafka1", "bullseye": "librdkafka1", "bookworm": "librdkafka1", "trixie": "librdkafka1"},
	"libgd-dev":            {"buster": "libgd3", "bullseye": "libgd3", "bookworm": "libgd3", "trixie": "libgd3"},
}

const libevent = "libevent-2.1-7 libevent-extra-2.1-7 libevent-openssl-2.1-7 libevent-pthreads-2.1-7"
