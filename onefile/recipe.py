"""What the one file is built of, and how CPython is configured for it. A change here builds CPython anew."""

# Debian's source package, with its security updates. Where Debian has a newer one, this is gone, and the build says so.
PYTHON = "3.13"
PACKAGE = f"python{PYTHON}"
VERSION = "3.13.5-2+deb13u5"
DSC_SHA256 = "4be84e20fb902354fa86955e2fbea6e8bdbd158f54833423488308a9b3532662"
SOURCES = """\
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://deb.debian.org/debian-security
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""

# Words for the compiler and the linker, for CPython and for what is ours. Each function and each table is a section of
# its own, so that the linker can leave out what nobody asks for; tables for unwinding serve C++ and debuggers.
COMPILE = (
    "-O2 -fno-pie -fstack-protector-strong -ffunction-sections -fdata-sections"
    " -fno-asynchronous-unwind-tables -fno-unwind-tables"
)
LINK = "-static -no-pie"
CONFIGURE = (
    *("--disable-shared", "--disable-test-modules", "--without-doc-strings", "--without-ensurepip"),
    *("--without-mimalloc", "--without-readline"),
)

# Modules in C that neither pydrop nor click nor psutil, nor what they import, has any use for.
OFF = """
_asyncio _blake2 _bz2 _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _csv _ctypes _ctypes_test
_curses _curses_panel _dbm _decimal _elementtree _gdbm _hashlib _interpchannels _interpreters _interpqueues _lsprof
_lzma _md5 _multibytecodec _multiprocessing _pickle _posixshmem _queue _scproxy _sha1 _sha3 _sqlite3 _ssl _statistics
_testbuffer _testcapi _testclinic _testclinic_limited _testexternalinspection _testimportmultiple _testinternalcapi
_testlimitedcapi _testmultiphase _testsinglephase _tkinter _uuid _xxtestfuzz _zoneinfo cmath mmap pyexpat readline
syslog unicodedata xxlimited xxlimited_35 xxsubtype zlib
""".split()
