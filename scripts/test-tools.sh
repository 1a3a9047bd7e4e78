#!/bin/sh
# The programs that the tests start, beside Node: installs what is missing where apt may be used, else says what to
# install. In CI a missing one fails; elsewhere its tests say so and are skipped.
set -u
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need git git
need openssl openssl
need haproxy haproxy
need prometheus prometheus
need redis-server redis-server
need pgbouncer pgbouncer
need systemd-analyze systemd
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || need postgres postgresql
need prometheus-alertmanager prometheus-alertmanager
need age age
# Migration tools of others' languages, as small apps of the tests use them.
need alembic alembic
/usr/bin/python3 -c 'import psycopg2' 2>/dev/null || missing="$missing python3-psycopg2"
ruby -e 'require "pg"; require "active_record"; require "rails"' 2>/dev/null || missing="$missing ruby ruby-pg ruby-activerecord ruby-railties"
# A Docker engine of the tests' own, and images made of this machine's own programs: they reach no registry.
if [ "${1:-}" = platforms ]; then
  need dockerd docker.io
  need docker-compose docker-compose
  need iptables iptables
  need busybox busybox-static
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing for the tests:$missing" >&2
  apt-get update -qq >/dev/null 2>&1
  # shellcheck disable=SC2086 — a list of package names
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 && exit 0
fi
echo "The tests need programs that are not here:$missing" >&2
[ "${CI:-}" = true ] && exit 1
exit 0
