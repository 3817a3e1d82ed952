#!/usr/bin/env bash
# Have models, pipelines and services checked regularly, by cron or by a systemd user timer.
#
#   scripts/setup_monitoring.sh [--home DIR] [--every MINUTES] [--digest HH:MM] [--with cron|systemd]
#   scripts/setup_monitoring.sh --print ...     show what would be installed, and install nothing
#   scripts/setup_monitoring.sh --remove ...    take away what was installed for DIR
#
# DIR is the folder with pipewarden.yaml (default: this one). First a self-test runs one check;
# nothing is installed if that cannot be made. The log is DIR/.pipewarden/monitor.log, rotated weekly
# by logrotate. Exit codes: 0 done, 2 wrong usage, else those of the self-test.
set -euo pipefail

home="$PWD" every=5 digest="07:00" with="" mode="install"
fail() { echo "setup_monitoring: $1" >&2; exit 2; }
while (($#)); do
  case "$1" in
    --home | --every | --digest | --with)
      (($# > 1)) || fail "$1 needs a value"
      declare "${1#--}=$2"; shift ;;
    --print | --remove) mode="${1#--}" ;;
    --help | -h) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown option $1; see --help" ;;
  esac
  shift
done
[[ "$every" =~ ^[1-9][0-9]?$ && "$every" -le 59 ]] || fail "--every is minutes, 1 to 59"
[[ "$digest" =~ ^([01][0-9]|2[0-3]):[0-5][0-9]$ ]] || fail "--digest is a time, such as 07:00"
home="$(cd "$home" 2>/dev/null && pwd)" || fail "the folder $home does not exist"
[[ "$home" != *[$' \t\n%"\\\'']* ]] || fail "the folder $home has characters that cron does not take"
if [[ -z "$with" ]]; then
  if command -v crontab >/dev/null; then with=cron; else with=systemd; fi
fi
[[ "$with" == cron || "$with" == systemd ]] || fail "--with is cron or systemd"

command="$(command -v "${PIPEWARDEN_COMMAND:-pipewarden}")" || fail "the command pipewarden is not found"
log="$home/.pipewarden/monitor.log" rotation="$home/.pipewarden/logrotate.conf"
name="pipewarden-monitor-$(printf '%s' "$home" | cksum | cut -d' ' -f1)"
units="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
rotate="if command -v logrotate >/dev/null; then logrotate -s $rotation.state $rotation; fi"
daily="$command monitor digest >> $log 2>&1; $rotate"

cron_lines() {
  echo "*/$every * * * * cd $home && $command monitor check >> $log 2>&1 # $name"
  echo "$((10#${digest#*:})) $((10#${digest%:*})) * * * cd $home && { $daily; } # $name"
}
rotation_file() {
  printf '%s {\n  weekly\n  rotate 8\n  missingok\n  notifempty\n  copytruncate\n}\n' "$log"
}
unit() { # what, command
  printf '[Unit]\nDescription=pipewarden: %s of %s\n\n[Service]\nType=oneshot\n' "$1" "$home"
  printf 'WorkingDirectory=%s\nSuccessExitStatus=1 3 4\nExecStart=/bin/sh -c "%s"\n' "$home" "$2"
}
timer() { # what, when
  printf '[Unit]\nDescription=pipewarden: %s of %s\n\n[Timer]\n%s\nPersistent=true\n' "$1" "$home" "$2"
  printf '\n[Install]\nWantedBy=timers.target\n'
}
files() { # calls: show or write, path, and the text on its standard input
  rotation_file | "$1" "$rotation"
  [[ "$with" == systemd ]] || return 0
  unit "a check" "$command monitor check >> $log 2>&1" | "$1" "$units/$name.service"
  timer "checks" "OnCalendar=*:0/$every" | "$1" "$units/$name.timer"
  unit "the digest" "$daily" | "$1" "$units/$name-digest.service"
  timer "the digest" "OnCalendar=*-*-* $digest:00" | "$1" "$units/$name-digest.timer"
}
show() { echo "# $1"; cat; echo; }
write() { mkdir -p "$(dirname "$1")"; cat > "$1"; }
others() { crontab -l 2>/dev/null | grep -v "# $name\$" || true; }

case "$mode" in
  print)
    files show
    [[ "$with" == systemd ]] || { echo "# crontab"; cron_lines; }
    exit 0 ;;
  remove)
    if [[ "$with" == cron ]]; then
      others | crontab -
    else
      systemctl --user disable --now "$name.timer" "$name-digest.timer"
      rm -f "$units/$name.service" "$units/$name.timer" "$units/$name-digest.service" "$units/$name-digest.timer"
    fi
    rm -f "$rotation" "$rotation.state"
    echo "nothing checks $home any more; the log stays at $log"
    exit 0 ;;
esac

echo "self-test: one check of $home"
mkdir -p "$home/.pipewarden"
code=0
(cd "$home" && "$command" monitor check --no-alert --no-report) || code=$?
case "$code" in
  0 | 1 | 4) ;; # a check was made, whatever it found
  *) echo "setup_monitoring: no check can be made; nothing was installed" >&2; exit "$code" ;;
esac
files write
if [[ "$with" == cron ]]; then
  { others; cron_lines; } | crontab -
else
  systemctl --user daemon-reload
  systemctl --user enable --now "$name.timer" "$name-digest.timer"
fi
echo "installed by $with: a check every $every minutes, a digest at $digest, log $log"
