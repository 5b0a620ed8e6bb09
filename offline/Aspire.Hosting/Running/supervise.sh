# Runs one command for the AppHost: supervise LOCK SIGNAL GRACE COMMAND...
# Standard input is a pipe from the AppHost. Each line is a signal to send; its end means that the AppHost is gone, however it
# went, and the command goes too: by SIGNAL, after GRACE tenths of a second by KILL. The lock tells the next AppHost that
# something of this one still runs.
exec 3<&0 </dev/null 9>>"$1"
flock -s 9
signal=$2 grace=$3
shift 3
setsid "$@" 3<&- &
child=$!
(
  while read -r order <&3; do kill -s "$order" "$child"; done
  kill -s "$signal" "$child"
  waited=0
  while kill -0 "$child" && [ "$waited" -lt "$grace" ]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  kill -s KILL -- "-$child"
) 2>/dev/null &
watcher=$!
wait "$child"
code=$?
# What the command started and left behind.
kill -s KILL -- "-$child" 2>/dev/null
kill "$watcher" 2>/dev/null
exit "$code"
