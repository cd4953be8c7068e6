# shellcheck shell=bash
# Installs what the other scripts need, on Debian and as root; they read this file.
tools=$PWD/target/tools
mkdir -p "$tools"

say() { printf '\n== %s\n' "$*"; }

# install PACKAGE: installs a Debian package without starting any service it brings.
install() {
    local policy=/usr/sbin/policy-rc.d ours= status=0
    say "installing $1"
    [ -n "${apt_updated:-}" ] || apt-get update -qq || return
    apt_updated=1
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        ours=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1" >/dev/null ||
        status=$?
    [ -z "$ours" ] || rm "$policy"
    return "$status"
}

# debian PROGRAM PACKAGE: installs PACKAGE unless there is a PROGRAM.
debian() {
    command -v "$1" >/dev/null || install "$2"
}

# debian_root: the files of a small Debian, of this machine's release and mirror. Packages are tried in copies.
debian_root() {
    local root=$tools/debian packages=systemd-sysv,dbus,curl,procps,jq codename mirror
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    [ "$(cat "$root.made" 2>/dev/null)" = "$codename $packages" ] && return
    debian debootstrap debootstrap || return
    say "making a small Debian"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $codename" | head -n 1)
    rm -rf "$root" "$root.made"
    debootstrap --variant minbase --include "$packages" "$codename" "$root" \
        ${mirror:+"$mirror"} >"$root.log" 2>&1 || { tail "$root.log"; return 1; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    # The installer of Debian writes it.
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
    echo "$codename $packages" >"$root.made"
}

# installed NAME REQUIREMENT...: whether the directory NAME holds what was installed for these requirements.
installed() {
    [ "$(cat "$tools/$1/installed" 2>/dev/null)" = "${*:2}" ]
}

# python NAME REQUIREMENT...: a separate environment for Python programs.
python() {
    installed "$@" && return
    say "installing ${*:2}"
    rm -rf "${tools:?}/$1" &&
        python3 -m venv "$tools/$1" &&
        "$tools/$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}" &&
        echo "${*:2}" >"$tools/$1/installed"
}

# python_service: the service that this one is compared with.
python_service() {
    debian python3 python3 || return
    python3 -c 'import ensurepip' 2>/dev/null || install python3-venv || return
    python python-service golem-port-checker==0.1.25
}

# cargo_tool NAME VERSION [FLAG...]: a program that cargo installs. It runs for seconds: optimising it would take
# minutes.
cargo_tool() {
    local name=$1 version=$2
    shift 2
    "$tools/bin/$name" "${name#cargo-}" --version 2>/dev/null | grep -qF " $version" && return
    say "installing $name"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --quiet --locked --root "$tools" "$name@$version" "$@"
}

# packages NAME REQUIREMENT...: a separate directory for packages of npm.
packages() {
    installed "$@" && return
    say "installing ${*:2}"
    rm -rf "${tools:?}/$1" &&
        mkdir -p "$tools/$1" &&
        (cd "$tools/$1" && npm install --loglevel=error --no-audit --no-fund --no-save --no-package-lock \
            --prefix . "${@:2}" >/dev/null) &&
        echo "${*:2}" >"$tools/$1/installed"
}
