# make run     install what is missing, build, start the server on 127.0.0.1
# make check   build with sanitizers, run the unit tests, check the house rules: the one to run while developing
# make test    install what tests need, build with sanitizers, run everything
# make build   build/tintype and build/tintype-render alone; with HEIF=true build/tintype-render-more too, for HEIC and AVIF,
#              with POSTGRES=true support for a table in PostgreSQL, which is also built if libpq-dev is installed
# make install what make build made, to PREFIX (/usr/local) below DESTDIR, with a manual page, completion for shells and a systemd unit; make uninstall
# make deb     build a Debian package in build/deb/; make test-packages installs it in chroots of Debian 12 and 13, as root
# make release build in build/dist/ what a release consists of: archives and packages for Lambda, for x86-64 and arm64, with checksums
# make lambda  build/lambda/tintype-lambda-ARCH.zip for AWS Lambda (ARCH=x86_64 or arm64)
# make bench   compare the speed with other servers and print the table
# make fuzz    fuzz every parser for SECONDS (60) each
# make clean   remove what was built (not ./data)
SHELL := /bin/sh
SECONDS ?= 60
HEIF ?= false
POSTGRES ?= false
PREFIX ?= /usr/local
ZSH_FUNCTIONS ?= share/zsh/site-functions
PROGRAM ?= build/tintype
RENDERER ?= build/tintype-render
ARCH ?= $(shell uname -m | sed s/aarch64/arm64/)
MESON_SETUP = meson setup --buildtype=release -Db_pie=true

.PHONY: build install uninstall deb test-packages release lambda run check test bench fuzz clean
.SILENT:

build:
	tools/deps $(if $(filter true,$(HEIF)),heif,build)
	[ $(POSTGRES) != true ] || tools/deps postgres
	[ -f build/release/build.ninja ] || { $(MESON_SETUP) build/release >build/setup.log 2>&1 || { grep -m1 ERROR build/setup.log || tail -n 3 build/setup.log; exit 1; }; \
		sed -n 's/^Run-time dependency libpq found: NO.*/make build: without PostgreSQL as the table, for libpq-dev is not installed; POSTGRES=true adds it/p' build/setup.log; }
	[ $(HEIF) != true ] || meson setup --reconfigure build/release -Dheif=true >build/setup.log 2>&1 || { grep -m1 ERROR build/setup.log; exit 1; }
	[ $(POSTGRES) != true ] || meson setup --reconfigure build/release -Dpostgres=enabled >build/setup.log 2>&1 || { grep -m1 ERROR build/setup.log; exit 1; }
	ninja -C build/release --quiet src/tintype src/render/tintype-render $(if $(filter true,$(HEIF)),src/render/tintype-render-more)
	ln -f build/release/src/tintype build/tintype
	ln -f build/release/src/render/tintype-render build/tintype-render
	[ $(HEIF) != true ] || ln -f build/release/src/render/tintype-render-more build/tintype-render-more

# Not built here: this runs as root.
install:
	[ -x $(PROGRAM) ] || { echo "make install: $(PROGRAM) is not there; run make build first"; exit 1; }
	install -D -m 755 $(PROGRAM) "$(DESTDIR)$(PREFIX)/bin/tintype"
	install -D -m 755 $(RENDERER) "$(DESTDIR)$(PREFIX)/libexec/tintype/tintype-render"
	[ ! -x $(RENDERER)-more ] || install -m 755 $(RENDERER)-more "$(DESTDIR)$(PREFIX)/libexec/tintype/tintype-render-more"
	install -d "$(DESTDIR)$(PREFIX)/share/man/man1" "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	umask 022; $(PROGRAM) help --man >"$(DESTDIR)$(PREFIX)/share/man/man1/tintype.1"
	install -d "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" "$(DESTDIR)$(PREFIX)/$(ZSH_FUNCTIONS)" "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d"
	umask 022; $(PROGRAM) completion bash >"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tintype"
	umask 022; $(PROGRAM) completion zsh >"$(DESTDIR)$(PREFIX)/$(ZSH_FUNCTIONS)/_tintype"
	umask 022; $(PROGRAM) completion fish >"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/tintype.fish"
	umask 022; sed 's|@bindir@|$(PREFIX)/bin|' packaging/tintype.service >"$(DESTDIR)$(PREFIX)/lib/systemd/system/tintype.service"
	install -D -m 644 packaging/tintype.sysusers "$(DESTDIR)$(PREFIX)/lib/sysusers.d/tintype.conf"

uninstall:
	cd "$(DESTDIR)$(PREFIX)" && rm -rf bin/tintype libexec/tintype share/man/man1/tintype.1 lib/systemd/system/tintype.service lib/sysusers.d/tintype.conf \
		share/bash-completion/completions/tintype "$(ZSH_FUNCTIONS)/_tintype" share/fish/vendor_completions.d/tintype.fish

deb:
	tools/deps deb
	tools/deb

release:
	tools/deps release
	tools/release

test-packages: deb
	tools/deps packages
	tools/test-packages

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
	echo "alone), builds four times and runs everything: about 35 minutes on 2 cores, plus the installation. make check takes two minutes."
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
