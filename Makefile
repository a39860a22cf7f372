# make run     install what is missing, build, start the server on 127.0.0.1
# make check   build with sanitizers, run the unit tests, check the house rules: the one to run while developing
# make test    install what tests need, build with sanitizers, run everything
# make build   build/tintype and build/tintype-render alone; with HEIF=true build/tintype-render-more too, for HEIC and AVIF
# make lambda  build/lambda/tintype-lambda-ARCH.zip for AWS Lambda (ARCH=x86_64 or arm64)
# make bench   compare the speed with other servers and print the table
# make fuzz    fuzz every parser for SECONDS (60) each
# make clean   remove what was built (not ./data)
SHELL := /bin/sh
SECONDS ?= 60
HEIF ?= false
ARCH ?= $(shell uname -m | sed s/aarch64/arm64/)
MESON_SETUP = meson setup --buildtype=release -Db_pie=true

.PHONY: build lambda run check test bench fuzz clean
.SILENT:

build:
	tools/deps $(if $(filter true,$(HEIF)),heif,build)
	[ -f build/release/build.ninja ] || $(MESON_SETUP) build/release >build/setup.log 2>&1 || { grep -m1 ERROR build/setup.log || tail -n 3 build/setup.log; exit 1; }
	[ $(HEIF) != true ] || meson configure build/release -Dheif=true
	ninja -C build/release --quiet src/tintype src/render/tintype-render $(if $(filter true,$(HEIF)),src/render/tintype-render-more)
	ln -f build/release/src/tintype build/tintype
	ln -f build/release/src/render/tintype-render build/tintype-render
	[ $(HEIF) != true ] || ln -f build/release/src/render/tintype-render-more build/tintype-render-more

lambda:
	tools/deps build
	tools/lambda $(ARCH)

run: build
	build/tintype serve

check:
	tools/deps check
	tools/run-tests --check

test:
	echo "make test: installs Debian and npm packages (on a bare Debian 700 MB to download, 3.2 GB on disk; what is installed is left"
	echo "alone), builds four times and runs everything: about 20 minutes on 2 cores, plus the installation. make check takes a minute."
	tools/deps test
	tools/run-tests

bench: build lambda
	tools/deps bench
	[ -f build/bench/build.ninja ] || meson setup --buildtype=release -Dbench=true build/bench >build/setup.log 2>&1 || { grep -m1 ERROR build/setup.log || tail -n 3 build/setup.log; exit 1; }
	ninja -C build/bench --quiet
	bench/run

fuzz:
	tools/deps fuzz
	tools/run-fuzz $(SECONDS)

clean:
	rm -rf build
