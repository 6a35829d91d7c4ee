#!/bin/sh
# Runs on the emulated board, in busybox: every case writes its output to /host/out.
out=/host/out
pairspec=/host/pairspec
mkdir -p $out /var/lib/pairspec

# run NAME COMMAND...: output, errors and exit code of a case.
run() {
    name=$1
    shift
    "$@" > $out/$name.out 2> $out/$name.err
    echo $? > $out/$name.code
}

# Waits until a file has so many lines; the host asserts on what happened, not on when.
wait_lines() {
    tries=0
    while [ "$(wc -l < "$1" 2>/dev/null || echo 0)" -lt "$2" ] && [ $tries -lt 300 ]; do
        sleep 0.2
        tries=$((tries + 1))
    done
}

# Asks the host for something. The folder is shared by a network's protocol, in which a file that the
# host takes away just now can make the next one fail, and a shell ends where `:` cannot write.
ask() {
    tries=0
    until touch /host/want/$1 2>/dev/null || [ $tries -ge 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}

cameras="platform:vivid-000 platform:vivid-001"
plain="--size 640x360 --formats GREY,RGB3"
shape="$plain --seconds 60"

run check $pairspec board check --json
run pairs $pairspec board probe $cameras $shape -n 30
run sizes $pairspec board probe platform:vivid-000 --size 642x362 --formats GREY --seconds 1
run formats $pairspec board probe platform:vivid-000 --formats pRCC --seconds 1
run controls $pairspec board controls platform:vivid-000
run control $pairspec board probe platform:vivid-000 $shape --control gain=77 -n 2
run absent_control $pairspec board probe platform:vivid-000 --control zoom=1 --seconds 1

# A third of the buffers is lost in one of the cameras.
run drops $pairspec board probe $cameras $shape -n 60 \
    --control percentage_of_dropped_buffers=30
run no_drops $pairspec board probe $cameras $shape -n 5 --control percentage_of_dropped_buffers=0

# What the driver says of its timestamps, and a buffer that it marks as damaged.
$pairspec board controls platform:vivid-000 --set timestamp_source=1
$pairspec board probe platform:vivid-000 $shape -n 60 > $out/flagged.out 2> $out/flagged.err &
probe=$!
wait_lines $out/flagged.out 20
run press_flag $pairspec board controls platform:vivid-000 --set inject_v4l2_buf_flag_error=0
wait $probe
echo $? > $out/flagged.code
$pairspec board controls platform:vivid-000 --set timestamp_source=0

# A stream that breaks for good, and one that cannot be started at first.
$pairspec board probe platform:vivid-000 $shape -n 60 > $out/broken.out 2> $out/broken.err &
probe=$!
wait_lines $out/broken.out 20
run press_break $pairspec board controls platform:vivid-000 --set inject_fatal_streaming_error=0
wait $probe
echo $? > $out/broken.code
for error in reqbufs qbuf streamon; do
    $pairspec board controls platform:vivid-000 --set inject_vidioc_${error}_error=0
    run start_$error $pairspec board probe platform:vivid-000 $shape -n 5
done

# The same still picture in many formats.
for control in osd_text_mode=2 horizontal_movement=3 vertical_movement=3 test_pattern=0; do
    $pairspec board controls platform:vivid-000 --set $control
done
for format in GREY Y10 Y12 NV12 YUYV UYVY RGB3 BGR3 BA81 RGGB RG10 RG12; do
    run format_$format $pairspec board probe platform:vivid-000 --size 640x360 \
        --formats $format --seconds 20 -n 2
done

# Who may not.
printf 'root:x:0:0::/:/bin/sh\nline:x:900:900::/:/bin/sh\n' > /etc/passwd
printf 'root:x:0:\nvideo:x:44:\nline:x:900:\n' > /etc/group
chgrp 44 /dev/video0
chmod 660 /dev/video0
run denied su line -c "$pairspec board probe /dev/video0 $plain --seconds 1"

# While one program streams, another is told so.
$pairspec board probe /dev/video0 $plain -n 100000 --seconds 60 > $out/first.out 2>&1 &
first=$!
wait_lines $out/first.out 3
run busy $pairspec board probe /dev/video0 $plain --seconds 1
kill $first
wait $first 2>/dev/null

# One camera goes away while it streams, and is back as soon as it was let go.
$pairspec board probe $cameras $shape -n 100 > $out/disconnect.out 2> $out/disconnect.err &
probe=$!
wait_lines $out/disconnect.out 40
run press $pairspec board controls platform:vivid-000 --set disconnect=0
wait $probe
echo $? > $out/disconnect.code

# Both are pulled out while they stream, and come back.
$pairspec board probe $cameras $shape -n 100 > $out/unplug.out 2> $out/unplug.err &
probe=$!
wait_lines $out/unplug.out 40
echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind
wait_lines $out/unplug.out $(($(wc -l < $out/unplug.out) + 6))
echo vivid.0 > /sys/bus/platform/drivers/vivid/bind
wait $probe
echo $? > $out/unplug.code

# The process dies while it streams; the camera is free for the next.
$pairspec board probe $cameras $shape -n 100000 > $out/killed.out 2>&1 &
probe=$!
wait_lines $out/killed.out 20
kill -9 $probe
wait $probe 2>/dev/null
run after_kill $pairspec board probe $cameras $shape -n 5

PAIRSPEC_DATA=/host/data run demo $pairspec demo --out /tmp/demo

# The operator's screen on the virtual display, looked at from outside: the kernel's console is taken
# off it first.
for console in /sys/class/vtconsole/vtcon*; do
    if grep -q 'frame buffer' $console/name 2>/dev/null; then echo 0 > $console/bind; fi
done

# screen KIND DEVICE NAME LANGUAGE: shows it until the host has looked.
mkfifo /tmp/hold
screen() {
    case=screen_$1-$3-480x320-$4
    PAIRSPEC_DATA=/host/data $pairspec panel --$1 $2 --screen $3 --lang $4 \
        < /tmp/hold > $out/$case.out 2> $out/$case.err &
    shown=$!
    exec 5> /tmp/hold
    wait_lines $out/$case.out 1
    ask screendump-$1-$3-480x320-$4
    tries=0
    while [ ! -e /host/got/screendump-$1-$3-480x320-$4 ] && [ $tries -lt 300 ]; do
        sleep 0.2
        tries=$((tries + 1))
    done
    exec 5>&-
    wait $shown
    echo $? > $out/$case.code
}

for language in en ja; do
    for name in running-mismatch running-conforming held trend; do
        screen framebuffer /dev/fb0 $name $language
        screen drm /dev/dri/card0 $name $language
    done
done
if [ -f /host/station.sh ]; then . /host/station.sh; fi
dmesg > $out/dmesg
echo done > $out/finished
sync
