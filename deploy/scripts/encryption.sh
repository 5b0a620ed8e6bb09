# Sourced by backup.sh and restore.sh: one way in and out of encryption, by age or gpg.
# shellcheck shell=bash

choose_encryption() {
  if [ -z "${BACKUP_TOOL:-}" ]; then
    if command -v age >/dev/null; then BACKUP_TOOL=age; else BACKUP_TOOL=gpg; fi
  fi
  case "$BACKUP_TOOL" in
    age | gpg) need "$BACKUP_TOOL" ;;
    *) fail "BACKUP_TOOL is '$BACKUP_TOOL'; it may be age or gpg" ;;
  esac
}

encrypt() {
  case "$BACKUP_TOOL" in
    age) age --encrypt --recipient "$BACKUP_RECIPIENT" ;;
    gpg) gpg --batch --quiet --trust-model always --recipient "$BACKUP_RECIPIENT" --encrypt ;;
  esac
}

decrypt() {
  case "$BACKUP_TOOL" in
    age) age --decrypt --identity "${BACKUP_IDENTITY:?is not set: give the file with the age identity}" "$1" ;;
    gpg) gpg --batch --quiet --decrypt "$1" ;;
  esac
}
