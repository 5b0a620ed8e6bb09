# Sourced by backup.sh and restore.sh: one way in and out of encryption, by age or gpg, and of checksums.
# shellcheck shell=bash

# As GNU's sha256sum, which macOS has not.
checksum() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

choose_encryption() {
  if [ -z "${BACKUP_TOOL:-}" ]; then
    if command -v age >/dev/null; then BACKUP_TOOL=age; else BACKUP_TOOL=gpg; fi
  fi
  case "$BACKUP_TOOL" in
    age | gpg) need "$BACKUP_TOOL" ;;
    *) fail "BACKUP_TOOL is '$BACKUP_TOOL'; it may be age or gpg" ;;
  esac
}

# A recipient is a name or a file with public keys.
encrypt() {
  local kind=recipient
  if [ -f "$BACKUP_RECIPIENT" ]; then
    kind=recipients-file
    if [ "$BACKUP_TOOL" = gpg ]; then kind=recipient-file; fi
  fi
  case "$BACKUP_TOOL" in
    age) age --encrypt "--$kind" "$BACKUP_RECIPIENT" ;;
    gpg) gpg --batch --quiet --trust-model always "--$kind" "$BACKUP_RECIPIENT" --encrypt ;;
  esac
}

decrypt() {
  case "$BACKUP_TOOL" in
    age) age --decrypt --identity "${BACKUP_IDENTITY:?is not set: give the file with the age identity}" "$1" ;;
    gpg)
      if [ -n "${BACKUP_IDENTITY:-}" ]; then gpg --batch --quiet --import "$BACKUP_IDENTITY"; fi
      gpg --batch --quiet --decrypt "$1"
      ;;
  esac
}
