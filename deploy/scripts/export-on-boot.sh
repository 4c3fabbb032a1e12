#!/bin/sh
exec /opt/d3kos/services/export/bin/d3kos-export boot "$@"
