#!/usr/bin/env bash
# Boots an emulated aarch64 board (Cortex-A72) with two vivid cameras, GPIO and a 480x320 display, runs
# the static binary on it, and checks order and outcomes; never times, which mean nothing there.
#
#   board/emulated/run.sh [BINARY]        default: what board/cross.sh builds
#
# Needs qemu-system-aarch64, dpkg-deb, cpio, kmod, and Debian's arm64 packages of a kernel and a
# static busybox, which it downloads with apt-get (dpkg --add-architecture arm64). Where something is
# missing it says SKIP and the reason, and ends with 0. PAIRSPEC_EMULATED_CACHE keeps what was
# downloaded, PAIRSPEC_EMULATED_KEEP=DIR what the board wrote. Ends with 1 where something does not hold, and
# with 3 where the board was not done after PAIRSPEC_EMULATED_LIMIT seconds (2400): how fast it is says
# nothing of the program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
binary=${1:-$root/target/aarch64-unknown-linux-gnu/dist/pairspec}
cache=${PAIRSPEC_EMULATED_CACHE:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -n "$cache" ] || cache=$work/cache
mkdir -p "$cache"

. "$here/system.sh"

[ -x "$binary" ] || skip "no static binary at $binary (board/cross.sh)"
tools
python=$(command -v python3 || true)

# What the board asks of the world around it, by files in its shared folder: a pulse of the trigger
# line (the power button's), the levels of all eight lines, or the display's picture, seen from outside.
serve() {
    exec 3<>"$work/monitor.in" 4<>"$work/monitor.out"
    local wanted name answer
    while sleep 0.1; do
        for wanted in "$work"/host/want/*; do
            [ -f "$wanted" ] || continue
            name=$(basename "$wanted")
            rm -f "$wanted"
            case $name in
                trigger-*)
                    echo system_powerdown >&3
                    : >"$work/host/got/$name"
                    ;;
                levels-*)
                    while read -r -t 0.2 answer <&4; do :; done
                    echo 'xp /1wx 0x090303fc' >&3
                    while read -r -t 2 answer <&4; do
                        case $answer in *90303fc:*) break ;; esac
                    done
                    echo "${answer##*: }" | tr -d '\r' >"$work/host/got/$name"
                    ;;
                screendump-*)
                    look "${name#screendump-}"
                    : >"$work/host/got/$name"
                    ;;
            esac
        done
    done
}

# look KIND-GOLDEN: takes the display's picture until it is the golden one; drivers show what was drawn
# a little later, so that only a picture that never comes is a wrong one.
look() {
    local picture=$work/host/out/screen_$1.ppm tries=0 answer
    [ -n "$python" ] || return 0
    while [ $tries -lt 20 ]; do
        while read -r -t 0.2 answer <&4; do :; done
        rm -f "$picture"
        echo "screendump $picture" >&3
        sleep 0.5
        if same "$1" >/dev/null 2>&1; then return 0; fi
        tries=$((tries + 1))
    done
}

# same KIND-GOLDEN: whether the picture that was taken last is the golden one, pixel for pixel.
same() {
    "$python" "$here/same_picture.py" "$work/host/out/screen_$1.ppm" \
        "$root/tests/golden/panel/${1#*-}.png"
}

boot() {
    local ended=0
    mkdir -p "$work/host/out" "$work/host/want" "$work/host/got"
    install -m 755 "$binary" "$work/host/pairspec"
    cp "$here/guest.sh" "$work/host/"
    cp "$here/station.sh" "$here/station.toml" "$work/host/"
    mkfifo "$work/monitor.in" "$work/monitor.out"
    serve &
    local server=$!
    mkdir -p "$work/host/data/models" "$work/host/data/calibration"
    cp -r "$root/models/default" "$work/host/data/models/"
    cp -r "$root/calibration/board" "$work/host/data/calibration/"
    timeout "${PAIRSPEC_EMULATED_LIMIT:-2400}" qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a72 \
        -accel tcg,thread=multi -smp 2 -m 1024 -nodefaults -no-reboot -nographic -serial stdio \
        -chardev "pipe,id=monitor,path=$work/monitor" -mon chardev=monitor,mode=readline \
        -kernel "$work/vmlinuz" -initrd "$work/initrd.gz" \
        -append "console=ttyAMA0 quiet panic=-1" \
        -virtfs "local,path=$work/host,mount_tag=host,security_model=none" \
        -device virtio-gpu-pci,xres=480,yres=320 </dev/null >"$work/console" 2>&1 || ended=$?
    kill "$server" 2>/dev/null || true
    [ -f "$work/host/out/finished" ] || {
        tail -30 "$work/console"
        ls -l "$work/host/out"
        echo "emulated board: it did not come to an end" >&2
        [ $ended -ne 124 ] || exit 3
        exit 1
    }
}

out=$work/host/out
passed=0
failed=0

# check TEXT COMMAND...: one line for what must hold.
check() {
    local text=$1
    shift
    if "$@" >/dev/null 2>&1; then
        passed=$((passed + 1))
        echo "ok      $text"
    else
        failed=$((failed + 1))
        echo "FAILED  $text"
    fi
}

code() { [ "$(cat "$out/$1.code")" = "$2" ]; }
says() { grep -qF -- "$2" "$out/$1.out" "$out/$1.err"; }
silent() { ! grep -qE 'panicked|SIGSEGV' "$out"/*.out "$out"/*.err; }
frames() { [ "$(grep -F "\"camera\":$2," "$out/$1.out" | grep -c '"sequence"')" -ge "$3" ]; }
count() { grep -F "\"camera\":$2," "$out/$1.out" | sed -n "s/.*\"counts\":.*\"$3\":\([0-9]*\).*/\1/p"; }
at_least() { [ "$(count "$1" "$2" "$3")" -ge "$4" ]; }
exactly() { [ "$(count "$1" "$2" "$3")" -eq "$4" ]; }

# Sequence numbers rise but for one fall after each reopening; stamps rise always.
ordered() {
    grep -F "\"camera\":$2," "$out/$1.out" | awk -v resets="$3" '
        /"sequence"/ {
            sequence = $0; sub(/.*"sequence":/, "", sequence); sequence += 0
            stamp = $0; sub(/.*"stamp_ns":/, "", stamp); stamp += 0
            if (seen && stamp <= last_stamp) bad = 1
            if (seen && sequence <= last_sequence) falls++
            last_stamp = stamp; last_sequence = sequence; seen = 1
        }
        END { exit !(seen && !bad && falls <= resets) }'
}

# The mean levels of one picture, whatever format it came in, within 4 of 255.
same_brightness() {
    cat "$out"/format_*.out | sed -n 's/.*"mean":\([0-9.]*\).*/\1/p' | awk '
        NR == 1 || $1 < least { least = $1 }
        NR == 1 || $1 > most { most = $1 }
        END { exit !(NR >= 24 && most - least <= 4) }'
}

judge() {
    check "the board is known by its device tree" says check '"board":"emulated"'
    check "both cameras are listed by where they are plugged in" \
        grep -q 'bus_info platform:vivid-000.*bus_info platform:vivid-001' "$out/check.out"
    check "GPIO chip and display are there" \
        grep -q '"topic":"gpio","state":"good".*"topic":"display","state":"good"' "$out/check.out"
    check "the int8 kernel of a Cortex-A72 is chosen" says check 'kernel neon-smull will run'
    check "nothing is lacking" code check 0
    check "30 frames from each camera" code pairs 0
    for camera in 0 1; do
        check "camera $camera: sequence and stamps rise" ordered pairs $camera 0
        check "camera $camera: 640x360 frames" frames pairs $camera 30
        check "camera $camera: no frame is damaged" exactly pairs $camera unreadable 0
    done
    check "a size that is not offered is refused with those that are" says sizes 'offered are'
    check "a format that is not offered is refused with those that are" says formats 'offers '
    check "controls are listed by the names that they are set by" says controls 'gain '
    check "a control is set and read back" code control 0
    check "a control that is not there is refused with those that are" \
        says absent_control 'control zoom: not offered; there are'
    for camera in 0 1; do
        check "camera $camera: 30 % dropped buffers are counted" at_least drops $camera lost 5
        check "camera $camera: frames go on in order" ordered drops $camera 0
        check "camera $camera: no time-out, no reopening" exactly drops $camera opened 1
    done
    check "a timestamp at the start of exposure is known as such" says flagged StartOfExposure
    check "a damaged buffer is a bad frame in its place" at_least flagged 0 flagged 1
    check "... and the stream goes on" exactly flagged 0 opened 1
    check "a stream that broke is opened again" at_least broken 0 opened 2
    check "... and all frames came" code broken 0
    for error in reqbufs qbuf streamon; do
        check "a stream that cannot be started ($error) is tried again" code start_$error 0
    done
    check "the same picture has the same brightness in every format" same_brightness
    check "permission denied names the group" says denied 'permission denied; its group is video'
    check "a camera in use is said to be" says busy 'in use by another program'
    check "a camera that went away is open again, and all frames came" code disconnect 0
    check "it was noticed once" exactly disconnect 0 disconnects 1
    check "it was opened twice" exactly disconnect 0 opened 2
    check "its stamps go on rising" ordered disconnect 0 1
    check "the other camera noticed nothing" exactly disconnect 1 opened 1
    check "cameras that were pulled out are open again, and all frames came" code unplug 0
    for camera in 0 1; do
        check "camera $camera: opening it again was tried until it was there" \
            grep -q "{\"camera\":$camera,\"error\":\"platform:vivid-00$camera: disconnected" "$out/unplug.out"
        check "camera $camera: opened twice" exactly unplug $camera opened 2
        check "camera $camera: stamps go on rising" ordered unplug $camera 1
    done
    check "after SIGKILL the cameras are free" code after_kill 0
    check "the demo judges every pair right" code demo 0
    judge_screens
    check "nothing panicked" silent
}

judge_screens() {
    local case
    for case in "$out"/screen_*.code; do
        case=$(basename "$case" .code)
        check "${case#screen_}: shown, and given back" code "$case" 0
        if [ -n "$python" ]; then
            check "${case#screen_}: the display shows the golden picture" same "${case#screen_}"
        else
            echo "SKIP ${case#screen_}: no python3 to compare pictures with"
        fi
    done
    check "sixteen screens were looked at" [ "$(ls "$out"/screen_*.code | wc -l)" -eq 16 ]
}

parts() { grep -cE "part [0-9]+: $2" "$out/parts_$1.out"; }
more() { [ "$(parts "$1" "$2")" -ge "$3" ]; }
none() { [ "$(parts "$1" "$2")" -eq 0 ]; }

# Every part of the case has one outcome, and there are so many parts.
each_once() {
    grep -oE 'part [0-9]+: (conforming|mismatch|not inspected)' "$out/parts_$1.out" |
        awk -v least="$2" '{ if (seen[$2]++) bad = 1; n++ } END { exit !(n >= least && !bad) }'
}

# Parts without a verdict lack one for want of time or of a frame alone, or came as the line stopped.
in_time() {
    ! grep -E 'part [0-9]+: not inspected' "$out/parts_$1.out" |
        grep -vqE 'not inspected: (deadline|overload|capture|stopped):'
}

# line NAME NUMBER VALUE: the level of a line, read from outside.
line() { [ $((($(cat "$out/levels_$1") >> $2) & 1)) -eq "$3" ]; }
counted() { grep -qE "\"$2\":$3[,}]" "$out/run_$1.out"; }

judge_station() {
    check "station: stopped in order after 100 parts" code run_good 0
    check "station: each of 100 parts has one outcome" each_once good 100
    check "station: none of them mismatches" none good mismatch
    check "station: all conform but those that came too fast or too late" in_time good
    check "station: most of them conform" more good conforming 60
    check "30 % drops: each part has one outcome" each_once drops 40
    check "30 % drops: parts without a frame are not inspected" more drops 'not inspected' 3
    check "30 % drops: parts with both frames conform" more drops conforming 5
    check "no frames: each part has one outcome" each_once dark 10
    check "no frames: nothing is passed" none dark conforming
    check "cameras pulled out: each part has one outcome" each_once unplug 13
    check "cameras pulled out: parts meanwhile are not inspected" more unplug 'not inspected' 3
    check "cameras pulled out: parts conform again when they are back" more unplug conforming 10
    check "killed: the pass line was active" line active 4 1
    check "killed: it is inactive afterwards" line killed 4 0
    check "killed: and inactive when it starts again" line restarted 4 0
    check "killed: each part has one outcome" each_once killed 2
    check "killed: numbers it took with it are not inspected" more killed 'not inspected: crash' 1
    check "triggered from outside: five parts" each_once edges 5
    check "disk full: twenty parts leave the line" counted full finished 20
    check "disk full: the journal's fault is told and the line goes on" \
        grep -q '"health":"degraded".*"journal":{"fault":"' "$out/run_full.out"
    check "disk full: stopped in order all the same" code run_full_first 0
    check "disk full: the pass line is inactive at the end" line after 4 0
    check "disk full: with room again it runs" code run_full 0
    check "disk full: each part has one outcome" each_once full 23
    check "disk full: parts that could not be written are not inspected" \
        more full 'not inspected: crash' 1
    for case in good drops dark unplug killed edges full; do
        check "the chain of the journal holds ($case)" code verify_$case 0
    done
}

fetch
pack
boot
judge
judge_station
if [ "$failed" -ne 0 ] || [ -n "${PAIRSPEC_EMULATED_KEEP:-}" ]; then
    keep=${PAIRSPEC_EMULATED_KEEP:-$(mktemp -d)}
    mkdir -p "$keep"
    cp -r "$out/." "$work/console" "$keep/"
    echo "outputs of the board: $keep"
fi
echo "emulated board: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
