# The test and benchmark commands of ./dev. What the suite is made of stands in tests/stages.mjs.

build_fuzz() { CC=clang build fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DMADANG_SANITIZE=ON -DMADANG_FUZZ=ON; }
cmd_build() { # cmd_build [release|asan|fuzz|bench]
    declare -F "build_${1:-release}" >/dev/null || die "no build is called $1"
    "build_${1:-release}"
}

test_stores() {
    dev_folder
    TEST_STORES=$(readlink -f .dev)/test
    stores_stop "$TEST_STORES"
    rm -rf "$TEST_STORES"
    stores_start "$TEST_STORES"
    export MADANG_TEST_STORES=$TEST_STORES
    trap 'stores_stop "$TEST_STORES"' EXIT
}

cmd_test() {
    install_packages "${PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    install_node_modules
    case " $* " in *" --list "*) ;; *) test_stores ;; esac
    node tests/stages.mjs "$@"
}
cmd_fuzz() { MADANG_FUZZ_S=${1:-60} cmd_test fuzz; }

build_bench() { build bench -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMADANG_BENCH=ON; }
install_peers() {
    local at=tests/bench/peers
    [ -f $at/node_modules/.stamp ] && [ $at/node_modules/.stamp -nt $at/package-lock.json ] && return
    say "installing what madang is measured against"
    (cd $at && npm ci --no-audit --no-fund --loglevel=error >/dev/null)
    touch $at/node_modules/.stamp
}
cmd_bench() {
    install_packages "${PACKAGES[@]}" "${BENCH_PACKAGES[@]}"
    install_node_modules
    install_peers
    build_bench
    dev_folder
    TEST_STORES=$(readlink -f .dev)/bench
    stores_start "$TEST_STORES"
    trap 'stores_stop "$TEST_STORES"' EXIT
    stores_environment "$TEST_STORES"
    node tests/bench/run.mjs "$@"
}
