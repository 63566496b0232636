# The front door: a thin layer over meson. See README.md.
#   make demo     set up, build, and show a message on its way
#   make check    set up, build every way, run every test
#   make soak     the long runs: 10,000 kills, power cuts everywhere (tools/soak PART for one)
#   make build    the optimised release build: build/ewsd, build/ewsctl
#   make install  ... installed below PREFIX (/usr/local), or in DESTDIR
#   make deb      the package for Debian, in build-deb
.POSIX:
.PHONY: all demo check build bench fuzz soak install deb clean setup

PREFIX = /usr/local
DESTDIR =

all: build

setup:
	@tools/setup

build: setup
	@test -f build/build.ninja || meson setup build --buildtype=release --prefix=$(PREFIX)
	@ninja -C build
	@for program in ewsd ewsctl; do ln -sf src/bin/$$program build/$$program; done

demo: build
	@python3 tools/demo build/ewsd

check: setup
	@python3 tools/check

bench: build
	@/usr/bin/python3 bench/run

fuzz: setup
	@tools/fuzz

soak: build
	@/usr/bin/python3 tools/soak

install: build
	@meson configure build --prefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C build

deb: setup
	@tools/deb

clean:
	rm -rf build build-deb fuzz-clang check-asan check-clang check-tsan
