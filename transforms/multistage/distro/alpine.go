package distro

// ApkBuild are packages of Alpine that only build.
var ApkBuild = words(`build-base alpine-sdk gcc g++ make cmake autoconf automake libtool pkgconf pkgconfig musl-dev libc-dev linux-headers patch binutils bison flex rust cargo python3-dev ruby-dev`)

// ApkLibrary names the package behind a -dev package of Alpine, "" where the
// ruby image has it, since Ruby links it (docker-library/ruby:
// .ruby-rundeps).
var ApkLibrary = map[string]string{
	"postgresql-dev": "libpq", "libpq-dev": "libpq", "mariadb-dev": "mariadb-connector-c", "mysql-dev": "mariadb-connector-c", "mariadb-connector-c-dev": "mariadb-connector-c", "sqlite-dev": "sqlite-libs",
	"libxml2-dev": "libxml2", "libxslt-dev": "libxslt", "curl-dev": "libcurl", "icu-dev": "icu-libs", "vips-dev": "vips", "libsodium-dev": "libsodium", "snappy-dev": "snappy", "readline-dev": "readline",
	"yaml-dev": "", "libffi-dev": "", "gmp-dev": "", "openssl-dev": "", "zlib-dev": "",
}

// InAlpine are programs of Alpine's busybox that inDebianSlim doesn't have
// (https://git.alpinelinux.org/aports/tree/main/busybox/busyboxconfig).
var InAlpine = words(`adduser addgroup wget nc ping vi ps top free pgrep pkill killall unzip bzip2 bunzip2 xz netstat ifconfig ip nslookup traceroute watch less crontab crond syslogd ssl_client uptime`)

// NotInAlpine are programs of inDebianSlim that need a package there.
var NotInAlpine = words(`bash perl ldd locale lsblk setpriv dmesg numfmt pinky ptx logname`)
