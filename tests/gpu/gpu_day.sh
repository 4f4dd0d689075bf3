#!/usr/bin/env bash
# Test and measure the CUDA path on a machine with a GPU: does it run, is it right, how fast is it, where does the time go.
#
#     bash tests/gpu/gpu_day.sh                                everything, most valuable first, within GPU_DAY_SECONDS
#     STAGES="env smoke bench1e6" bash tests/gpu/gpu_day.sh    these stages only
#
# README.md beside this file lists stages, results and settings. Every stage has its own time limit; a stage that fails
# leaves its log, and the next one runs all the same, but nothing is measured when no solve works.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=${PROJECT:-$(cd "$here/../.." && pwd)}
start=$SECONDS
limit=${GPU_DAY_SECONDS:-520}
python=${PYTHON:-python3}
device=${GPU_DAY_DEVICE:-cuda}
stages=${STAGES:-env smoke bench1e6 bench1e7 parity bench1e8 shares profile bench3e8 memcheck ncu initcheck racecheck}
# The tests marked `gpu`, and those that take the fixture `assert_twins_agree`; test_gpu_day.py checks that none is missing.
gpu_tests=(tests/kernels tests/machine tests/solvers/test_history.py tests/solvers/test_supports.py)

[ -f "$project/warp/machine/device.py" ] || { echo "no project in $project: say PROJECT=folder with warp/ and kernels/"; exit 2; }
out=${OUT:-gpu-results}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
parts=$out/.parts
rm -rf "$parts" "$out/.stages.json"
mkdir -p "$parts"

# The package as an installation lays it out, without installing: warp/ with kernels/ and data/ inside, and the metadata
# that importlib reads. Always at the same path, because Numba's cache goes by it: a second run starts at once.
site=${GPU_DAY_SITE:-/tmp/gpu-day-$(id -u)}
rm -rf "$site"
mkdir -p "$site/lib" "$site/work"
if [ "${INSTALLED:-0}" != 1 ]; then
    cp -r "$project/warp" "$site/lib/warp"
    cp -r "$project/kernels" "$project/data" "$site/lib/warp/"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$project/pyproject.toml" | head -1)
    mkdir -p "$site/lib/warpage-$version.dist-info"
    printf 'Metadata-Version: 2.1\nName: warpage\nVersion: %s\n' "$version" > "$site/lib/warpage-$version.dist-info/METADATA"
fi
for name in tests data kernels pyproject.toml README.md; do cp -r "$project/$name" "$site/work/"; done # the tests read these
export PYTHONPATH="$site/lib${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR="$site/matplotlib" GPU_DAY_DEVICE="$device"
called_from=$PWD
cd "$site/work" || exit 2 # in the checkout its ./warp would shadow the copy

install() { # folder under the site, wheels
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target "$site/$1" "${@:2}" 2>&1
}
present() { "$python" -c "import importlib.metadata as m; m.version('$1')" > /dev/null 2>&1; }
install_missing() { # folder of wheels: packages that the machine has stay the machine's
    local missing=() wheel name
    for wheel in "$1"/*.whl; do
        name=$(basename "$wheel" | cut -d- -f1)
        [ "$name" != numpy ] || continue
        if [ "$name" = typing_extensions ] || ! present "$name"; then missing+=("$wheel"); fi
    done
    [ ${#missing[@]} -eq 0 ] || install lib "${missing[@]}"
    # Numba refuses a NumPy newer than it knows; then the carried NumPy comes first on the path.
    if ! "$python" -c 'import numba' > /dev/null 2>&1 && ls "$1"/numpy-*.whl > /dev/null 2>&1; then
        install numpy "$1"/numpy-*.whl && export PYTHONPATH="$site/numpy:$PYTHONPATH"
    fi
}
for wheels in "${WHEELS:-}" "$called_from/.whl" "$project/.whl" "$here/.whl"; do
    if [ -n "$wheels" ] && ls "$wheels"/*.whl > /dev/null 2>&1; then install_missing "$wheels"; break; fi
done

left() { echo $((limit - (SECONDS - start))); }
note() { # stage, exit code, seconds: after every stage, so that an interrupted run leaves its results
    "$python" "$here/summary.py" note "$out" "$@" 2> "$parts/summary.err" || true
    cat "$parts"/*.log > "$out/run.log" 2> /dev/null || true
}
wanted() { # stage, least seconds: true if it was asked for and there is time
    case " $stages " in *" $1 "*) ;; *) return 1 ;; esac
    if [ "$(left)" -lt "$2" ]; then echo "-- $1: no time left"; note "$1" 125 0; return 1; fi
}
limited() { # most seconds, command: never longer than is left
    local most=$(($1 * ${GPU_DAY_SLOW:-1})); shift # GPU_DAY_SLOW: for a slow or busy machine
    [ "$most" -le "$(left)" ] || most=$(left)
    timeout -k 5 "$most" "$@"
}
stage() { # name, most seconds, command...: all output into a log, the last lines on the screen
    local name=$1 most=$2 begun=$SECONDS rc; shift 2
    printf '\n== %s (%d s, %d s left)\n' "$name" "$((SECONDS - start))" "$(left)"
    { echo "== $name: $*"; limited "$most" "$@"; rc=$?; echo "== rc $rc"; } > "$parts/$name.log" 2>&1
    rc=$(sed -n 's/^== rc //p' "$parts/$name.log" | tail -1)
    tail -n "${TAIL:-6}" "$parts/$name.log" | cut -c1-400
    note "$name" "$rc" "$((SECONDS - begun))"
    return "$rc"
}

if wanted env 0; then
    {
        date; nvidia-smi; nvcc --version | tail -2; nproc; free -g | head -2; df -h /tmp | tail -1
        "$python" -m pip list 2> /dev/null
    } > "$out/env.txt" 2>&1
    TAIL=8 stage env 60 "$python" "$here/environment.py"
fi

# Does it run at all? The first solve compiles; the second is what a user waits for.
works=1
if wanted smoke 20; then
    run_twice() {
        for n in 1 2; do
            echo "-- run $n"
            ( time "$python" -m warp run "$site/work/data/packages/flip-chip.toml" -o "$site/smoke.h5" \
                --device "$device" --json ) 2>&1 || return 1
        done
    }
    export -f run_twice
    export python site device
    begun=$SECONDS
    printf '\n== smoke\n'
    limited 140 bash -c run_twice > "$parts/smoke.log" 2>&1
    rc=$?
    grep -E '^(real|user|error|-- run|[A-Za-z.]*Error)' "$parts/smoke.log"
    grep -q '^-- run 2' "$parts/smoke.log" || { works=0; tail -25 "$parts/smoke.log"; }
    note smoke $rc $((SECONDS - begun))
fi
measured() { [ $works = 1 ] && wanted "$@"; }

bench() { # stage, least seconds, most seconds, voxels
    measured "$1" "$2" && TAIL=3 stage "$1" "$3" "$python" -m warp bench --device "$device" --voxels "$4" --json
}
bench bench1e6 30 90 "${N6:-1000000}"
bench bench1e7 30 90 "${N7:-10000000}"

# Is it right? The tests for a GPU, and packages on both devices, at the same time: none of it is timed.
if wanted parity 60; then
    printf '\n== parity and tests\n'
    begun=$SECONDS
    fields=$site/parity
    jobs=$(nproc)
    jobs=$((jobs > 8 ? 6 : 2))
    NUMBA_NUM_THREADS=$jobs limited 200 "$python" "$here/parity.py" solve cpu "$fields/cpu" > "$parts/parity-cpu.log" 2>&1 &
    on_cpu=$!
    limited 200 "$python" "$here/parity.py" solve "$device" "$fields/gpu" > "$parts/parity-gpu.log" 2>&1 &
    on_gpu=$!
    parallel=()
    present pytest-xdist && parallel=(-n "$jobs" --dist worksteal)
    NUMBA_NUM_THREADS=1 limited 200 "$python" -m pytest -m gpu -q --maxfail=20 -p no:cacheprovider "${parallel[@]}" \
        "${gpu_tests[@]}" > "$out/tests.log" 2>&1
    rc=$?
    tail -4 "$out/tests.log"
    cp "$out/tests.log" "$parts/tests.log"
    note tests $rc $((SECONDS - begun))
    wait $on_gpu $on_cpu
    "$python" "$here/parity.py" compare "$fields/cpu" "$fields/gpu" > "$parts/compare.log" 2>&1
    rc=$?
    cut -c1-240 "$parts/compare.log"
    note parity $rc $((SECONDS - begun))
    rm -rf "$fields"
fi

bench bench1e8 60 120 "${N8:-100000000}"
measured shares 30 && TAIL=30 stage shares 80 "$python" "$here/measure.py" shares "${N7:-10000000}"
if measured profile 30; then
    stage profile 80 "$python" "$here/measure.py" profile "${N7:-10000000}"
    cp "$parts/profile.log" "$out/profile.txt"
fi
bench bench3e8 90 150 "${N3:-330000000}"

# Memory and races on small solves; the tool exits with 9 where it finds something.
sanitize() { # tool
    measured "$1" 40 || return 0
    if command -v compute-sanitizer > /dev/null; then
        stage "$1" 100 compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 20 \
            --target-processes application-only "$python" "$here/measure.py" tiny
    else
        echo "-- $1: compute-sanitizer is not installed" | tee "$parts/$1.log"
    fi
    cat "$parts"/{memcheck,initcheck,racecheck}.log > "$out/sanitizer.log" 2> /dev/null
}
sanitize memcheck
if measured ncu 40; then
    if command -v ncu > /dev/null; then
        stage ncu 100 ncu --clock-control none --profile-from-start off --target-processes application-only \
            --csv --page details --section SpeedOfLight --section MemoryWorkloadAnalysis --section Occupancy \
            --section LaunchStats --section WarpStateStats --log-file "$out/ncu.csv" \
            "$python" "$here/measure.py" hot "${NHOT:-4000000}"
    else
        echo "-- ncu is not installed" | tee "$parts/ncu.log"
    fi
fi
sanitize initcheck
sanitize racecheck

"$python" "$here/summary.py" collect "$out"
cat "$parts"/*.log > "$out/run.log" 2> /dev/null
rm -rf "$parts" "$out/.stages.json"
for file in "$out"/*; do # no file above 16 MB
    [ "$(stat -c %s "$file")" -le 16000000 ] || { tail -c 15000000 "$file" > "$file.cut" && mv "$file.cut" "$file"; }
done
printf '\n'
cat "$out/summary.txt"
echo "$((SECONDS - start)) s; results in $out: $(ls "$out" | tr '\n' ' ')"
[ $works = 1 ]
