# The test commands of ./dev.

TEST_STORES=
PASSED=0
FAILED=0

test_stores() {
    dev_folder
    TEST_STORES=$(readlink -f .dev)/test
    stores_stop "$TEST_STORES"
    rm -rf "$TEST_STORES"
    stores_start "$TEST_STORES"
    mkdir -p "$TEST_STORES/records"
    export MADANG_TEST_STORES=$TEST_STORES MADANG_TEST_RECORDS=$TEST_STORES/records
}

# count NAME PASSED FAILED
count() {
    PASSED=$((PASSED + $2))
    FAILED=$((FAILED + $3))
    say "$1: $2 passed, $3 failed"
}

run_unit() { # run_unit BUILD
    local out ok bad
    out=$(ctest --test-dir "build/$1" --output-on-failure 2>&1) || true
    ok=$(grep -oE 'Test +#[0-9]+: .* Passed' <<<"$out" | wc -l || true)
    bad=$(grep -cE 'Test +#[0-9]+: .*(\*\*\*)' <<<"$out" || true)
    [ "$bad" = 0 ] && [ "$ok" -gt 0 ] || { printf '%s\n' "$out" | tail -60; bad=$((bad + (ok == 0))); }
    count "unit ($1)" "$ok" "$bad"
}

run_node() { # run_node NAME FILES…
    local name=$1 out ok bad
    shift
    out=$(cd tests && node --test --test-reporter=tap --test-concurrency="${TEST_CONCURRENCY:-2}" "$@" 2>&1) || true
    ok=$(grep -E '^# pass ' <<<"$out" | grep -oE '[0-9]+' || echo 0)
    bad=$(grep -E '^# fail ' <<<"$out" | grep -oE '[0-9]+' || echo 1)
    local cancelled
    cancelled=$(grep -E '^# cancelled ' <<<"$out" | grep -oE '[0-9]+' || echo 0)
    bad=$((bad + cancelled))
    [ "$bad" = 0 ] || printf '%s\n' "$out" | grep -vE '^ *(ok|duration_ms|type:|\.\.\.|---)' | head -200
    count "$name" "$ok" "$bad"
}

cmd_test() {
    local deep=
    [ "${1:-}" = --deep ] && deep=1
    local began=$SECONDS
    install_packages "${PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    install_node_modules
    build_release
    test_stores
    trap 'stores_stop "$TEST_STORES"' EXIT
    run_arch
    run_unit release
    run_node "api (release)" $(cd tests && ls api/*.test.mjs)
    run_node "browser (release)" $(cd tests && ls browser/*.test.mjs)
    say "took $((SECONDS - began)) s"
    echo "$PASSED passed, $FAILED failed"
    [ "$FAILED" = 0 ]
}

run_arch() { :; }
