# The station on the emulated board, read by guest.sh: each case has a station file and a journal of its
# own, and its journal is listed and verified afterwards.

data=/var/lib/pairspec

# One still picture for both cameras, of two levels as the recipe wants them: 16x16 checkers, 0 and 255.
# Stamped at the start of the exposure: vivid hands a frame over before the end that it would be stamped
# with, and a frame from the future is a clock that cannot be trusted. A driver that was bound anew has
# forgotten all of it.
still() {
    for camera in platform:vivid-000 platform:vivid-001; do
        for control in osd_text_mode=2 horizontal_movement=3 vertical_movement=3 test_pattern=10 \
            quantization=1 timestamp_source=1 percentage_of_dropped_buffers=0; do
            $pairspec board controls $camera --set $control
        done
    done
}

# station NAME SED...: the file of a case, changed by expressions of sed.
station() {
    name=$1
    shift
    cp /host/station.toml /tmp/$name.toml
    sed -i "s|$data/journal|$data/$name|" /tmp/$name.toml
    for change in "$@"; do sed -i "$change" /tmp/$name.toml; done
}

# start NAME OPTION...: runs it in the background.
start() {
    name=$1
    shift
    $pairspec run /tmp/$name.toml --status-json "$@" >> $out/run_$name.out 2>> $out/run_$name.err &
    process=$!
}

# finish NAME: waits for its end and keeps its journal.
finish() {
    wait $process
    echo $? > $out/run_$1.code
    keep $1
}

# keep NAME [FOLDER]
keep() {
    journal=${2:-$data/$1}
    $pairspec journal list $journal --newest 0 > $out/parts_$1.out 2> $out/parts_$1.err
    run verify_$1 $pairspec journal verify $journal
}

# What a counter of the last status says.
counter() {
    sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" $out/run_$1.out | tail -n 1
}

# wait_counter NAME COUNTER N: until a status has told so much. Read once a turn: of two readings the
# first may find no status yet and the second one, and neither says that N was reached.
wait_counter() {
    tries=0
    while [ $tries -lt 400 ]; do
        counted=$(counter $1 $2 2>/dev/null)
        if [ "${counted:--1}" -ge "$3" ]; then return; fi
        sleep 0.2
        tries=$((tries + 1))
    done
}

# The levels of all lines as the host sees them.
levels() {
    ask levels-$1
    tries=0
    while [ ! -s /host/got/levels-$1 ] && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    cp /host/got/levels-$1 $out/levels_$1
}

still
levels before

# A part a second: an emulated processor registers frames that slowly.
station good
start good --parts 100
finish good

station drops
$pairspec board controls platform:vivid-000 --set percentage_of_dropped_buffers=30
start drops --parts 40
finish drops
$pairspec board controls platform:vivid-000 --set percentage_of_dropped_buffers=100
station dark
start dark --parts 10
finish dark
$pairspec board controls platform:vivid-000 --set percentage_of_dropped_buffers=0

# Both cameras are pulled out and come back.
station unplug
start unplug
wait_counter unplug conforming 5
echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind
wait_counter unplug not_inspected 3
echo vivid.0 > /sys/bus/platform/drivers/vivid/bind
still
back=$(counter unplug conforming)
wait_counter unplug conforming $((back + 5))
kill -TERM $process
finish unplug

# Killed while the pass output is active.
station killed 's/^rate_hz = 1$/rate_hz = 0.2/' 's/^pulse_ms = .*/pulse_ms = 4500/'
start killed
wait_counter killed conforming 1
levels active
kill -9 $process
wait $process 2>/dev/null
sleep 1
levels killed
keep killed
mv $out/run_killed.out $out/run_killed_first.out
start killed
levels restarted
wait_counter killed finished 1
kill -TERM $process
finish killed

# Parts that a line triggers from outside.
station edges 's/^kind = "interval"$/kind = "gpio"/' \
    's/^rate_hz = 1$/input = { chip = "9030000.pl061", line = 3 }/'
start edges --parts 5
wait_counter edges up_s 3
for part in 1 2 3 4 5; do
    ask trigger-$part
    wait_counter edges triggers $part
done
finish edges

# No room for the journal, and room again at the next start.
mkdir -p $data/full
mount -t tmpfs -o size=600k tmpfs $data/full
station full "s|$data/full|$data/full/journal|"
dd if=/dev/zero of=$data/full/filler bs=1k count=380 2>/dev/null
start full --parts 20
wait_counter full finished 5
dd if=/dev/zero of=$data/full/more bs=1k count=600 2>/dev/null
wait $process
echo $? > $out/run_full_first.code
levels after
rm -f $data/full/filler $data/full/more
start full --parts 3
wait $process
echo $? > $out/run_full.code
keep full $data/full/journal
