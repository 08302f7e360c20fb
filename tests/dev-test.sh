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
COUNTED=0
count() {
    PASSED=$((PASSED + $2))
    FAILED=$((FAILED + $3))
    say "$1: $2 passed, $3 failed ($((SECONDS - COUNTED)) s)"
    COUNTED=$SECONDS
}

run_unit() { # run_unit BUILD
    local out ok bad
    out=$(ctest --test-dir "build/$1" --output-on-failure -j "$JOBS" 2>&1) || true
    ok=$(grep -oE 'Test +#[0-9]+: .* Passed' <<<"$out" | wc -l || true)
    bad=$(grep -cE 'Test +#[0-9]+: .*(\*\*\*)' <<<"$out" || true)
    [ "$bad" = 0 ] && [ "$ok" -gt 0 ] || { printf '%s\n' "$out" | tail -60; bad=$((bad + (ok == 0))); }
    count "unit ($1)" "$ok" "$bad"
}

# On a network of its own that has nothing but loopback, where the system allows it: browsers tell each other every address they find.
alone() {
    local as=
    unshare -n true 2>/dev/null || as=-r
    if unshare $as -n true 2>/dev/null; then unshare $as -n -- sh -c 'ip link set lo up && exec "$@"' sh "$@"; else "$@"; fi
}

# bounded COMMAND…; RUN_IN: what to run it in. Ended with all that it started in its group when it has taken STAGE_S; what it prints is in $TEST_STORES/stage.log.
# A file, and no pipe: what a test has left running must not keep us waiting for its end.
STAGE_S=1200
bounded() {
    local rc=0
    ${RUN_IN:-} timeout --kill-after=10 $STAGE_S "$@" >"$TEST_STORES/stage.log" 2>&1 || rc=$?
    case $rc in 124 | 137)
        say "ended after $STAGE_S s: $*; the last that it said:"
        tail -20 "$TEST_STORES/stage.log" >&2
        ;;
    esac
}

run_node() { # run_node NAME FILES…; RUN_IN: what to run it in
    local name=$1 ok bad cancelled
    shift
    # most of a test is waiting: two files for each core keep it busy
    bounded node --test --test-timeout=$((STAGE_S * 1000 / 3)) --test-reporter=tap --test-concurrency="${TEST_CONCURRENCY:-$((2 * JOBS))}" "${@/#/tests/}"
    ok=$(grep -E '^# pass ' "$TEST_STORES/stage.log" | grep -oE '[0-9]+' || echo 0)
    bad=$(grep -E '^# fail ' "$TEST_STORES/stage.log" | grep -oE '[0-9]+' || echo 1)
    cancelled=$(grep -E '^# cancelled ' "$TEST_STORES/stage.log" | grep -oE '[0-9]+' || echo 0)
    bad=$((bad + cancelled))
    [ "$bad" = 0 ] || grep -vE '^ *(ok|duration_ms|type:|location:|\.\.\.|---|# Subtest|[0-9]+: )' "$TEST_STORES/stage.log" | head -200 || true
    count "$name" "$ok" "$bad"
}

# run_counted NAME COMMAND…: its last line says "N passed, N failed".
run_counted() {
    local name=$1 out line
    shift
    out=$("$@" 2>&1) || true
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' <<<"$out" | tail -1 || true)
    [ -n "$line" ] || line="0 passed, 1 failed"
    [[ $line == *" 0 failed" ]] || printf '%s\n' "$out" | tail -110
    count "$name" "$(cut -d' ' -f1 <<<"$line")" "$(cut -d' ' -f3 <<<"$line")"
}

run_arch() { run_counted "house rules" node tests/arch/check.mjs; }
run_judge() { run_counted "judge" node tests/judge.mjs "$MADANG_TEST_RECORDS"; }

# The judge must be able to fail: a daemon that drops or adds a member of its answers is caught.
run_judge_of_judge() {
    local ok=0 bad=0 switch records
    for switch in reply-field-drop reply-field-add; do
        records=$TEST_STORES/records-$switch
        mkdir -p "$records"
        (cd tests && MADANG_TEST_RECORDS=$records MADANG_BREAK=$switch timeout --kill-after=10 $STAGE_S node --test lie.mjs >/dev/null 2>&1) || true
        if (cd tests && node judge.mjs "$records" --no-coverage >/dev/null 2>&1); then bad=$((bad + 1)); else ok=$((ok + 1)); fi
    done
    count "judge of the judge" $ok $bad
}

run_format() {
    if clang_format --dry-run --Werror; then count "format" 1 0; else count "format" 0 1; fi
}

# Without a feature's folder and line the rest is built and starts: another one each day, in a deep run all.
run_without() { # run_without [all]
    local names
    mapfile -t names < <(sed -n 's/^X(\([a-z_]*\),.*/\1/p' src/features.def | grep -v bench)
    run_counted "without ${1:-a feature}" node tests/arch/without.mjs "${1:-${names[10#$(date +%j) % ${#names[@]}]}}"
}

# Generated files are what the program generates, and the documents please a linter.
run_generated() {
    local ok=0 bad=0 pair
    for pair in "config example:config/madang.ini" "config reference:docs/settings.md" "client:web/calls.js" "machines:docs/machines.md" "types:web/madang-types.d.ts"; do
        if build/release/madangd ${pair%%:*} 2>/dev/null | cmp -s - "${pair#*:}"; then ok=$((ok + 1)); else bad=$((bad + 1)); echo "${pair#*:} is not what madangd ${pair%%:*} prints" >&2; fi
    done
    if node --input-type=module -e 'import { readFileSync as r } from "node:fs"; import { files } from "./tools/deck.mjs"; process.exit(files().every(([n, svg]) => r(`web/cards/${n}`, "utf8") === svg) ? 0 : 1)'; then ok=$((ok + 1)); else bad=$((bad + 1)); echo "web/cards is not what tools/deck.mjs draws" >&2; fi
    if build/release/madangd openapi >"$TEST_STORES/openapi.json" 2>/dev/null && (cd tests && node lint-openapi.mjs "$TEST_STORES/openapi.json"); then ok=$((ok + 1)); else bad=$((bad + 1)); echo "the OpenAPI document has mistakes" >&2; fi
    count "generated files" $ok $bad
}

# The build that finds memory errors and undefined behaviour.
run_asan() {
    build_asan
    run_unit asan
    MADANG_BINARY=$ROOT/build/asan/madangd MADANG_TEST_RECORDS= run_node "api and conformance (sanitizers)" $(cd tests && ls api/*.test.mjs conformance/*.test.mjs)
}

run_valgrind() {
    local t ok=0 bad=0
    for t in build/release/tests/unit/test_base build/release/tests/unit/test_shape build/release/tests/unit/test_loop build/release/tests/unit/test_web build/release/tests/unit/test_providers; do
        if valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite "$t" >/dev/null 2>"$TEST_STORES/valgrind.log"; then ok=$((ok + 1)); else bad=$((bad + 1)); tail -30 "$TEST_STORES/valgrind.log" >&2; fi
    done
    count "valgrind" $ok $bad
}
run_valgrind_api() {
    TEST_CONCURRENCY=1 MADANG_WRAP="valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite" MADANG_TEST_RECORDS= \
        run_node "core api (valgrind)" api/{accounts,files,http,social,sockets}.test.mjs
}

build_fuzz() { CC=clang build fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DMADANG_SANITIZE=ON -DMADANG_FUZZ=ON; }
run_fuzz() { # run_fuzz SECONDS
    local f name ok=0 bad=0
    build_fuzz
    for f in build/fuzz/tests/fuzz/fuzz_*; do
        [ -f "$f" ] && [ -x "$f" ] || continue
        name=$(basename "$f")
        mkdir -p "build/fuzz/corpus/$name"
        if "$f" -max_total_time="$1" -rss_limit_mb=2048 -print_final_stats=0 -artifact_prefix="build/fuzz/" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then ok=$((ok + 1)); else bad=$((bad + 1)); tail -40 "build/fuzz/$name.log" >&2; fi
    done
    count "fuzzers ($1 s each)" $ok $bad
}
cmd_fuzz() {
    install_packages "${PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    run_fuzz "${1:-60}"
    [ "$FAILED" = 0 ]
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
    run_format
    run_generated
    run_unit release
    run_valgrind
    run_without ${deep:+all}
    run_node "api" $(cd tests && ls api/*.test.mjs)
    run_node "conformance" $(cd tests && ls conformance/*.test.mjs)
    run_judge
    run_judge_of_judge
    RUN_IN=alone TEST_CONCURRENCY=1 run_node "browser" $(cd tests && ls browser/*.test.mjs)
    # a few cells and every seventh passage; a deep run has all
    [ -n "$deep" ] || export MADANG_CHAOS="a node killed,Redis frozen,answers of Postgres lost" MADANG_TORTURE_STEP=7
    MADANG_TEST_RECORDS= TEST_CONCURRENCY=1 run_node "chaos" $(cd tests && ls chaos/*.test.mjs)
    [ -z "$deep" ] || export MADANG_HOUSE_STEP=1
    run_asan
    [ -z "$deep" ] || MADANG_TORTURE_STEP=3 MADANG_BINARY=$ROOT/build/asan/madangd MADANG_TEST_RECORDS= TEST_CONCURRENCY=1 run_node "chaos (sanitizers)" $(cd tests && ls chaos/*.test.mjs)
    [ -z "$deep" ] || run_valgrind_api
    run_fuzz "$([ -n "$deep" ] && echo 60 || echo 5)"
    say "took $((SECONDS - began)) s"
    echo "$PASSED passed, $FAILED failed"
    [ "$FAILED" = 0 ]
}

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
