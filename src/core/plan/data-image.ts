/** Images of databases, caches and queues: what keeps data must have one writer, whatever version is released. */
const DATA =
  /(?:^|\/)(?:postgres|postgresql|postgis|timescaledb|pgvector|mysql|mariadb|percona|mongo|redis|redis-stack|valkey|keydb|memcached|rabbitmq|elasticsearch|opensearch|clickhouse-server|cassandra|couchdb|influxdb|neo4j|etcd|minio|kafka|zookeeper|nats|localstack)(?:[:@]|$)/;

/** What stands in front of services and hands requests on to them. */
const FRONT = /(?:^|\/)(?:nginx|traefik|caddy|haproxy|envoy|httpd)(?:[:@]|$)/;

export function isDataImage(image: string): boolean {
  return DATA.test(image);
}

export function isFrontImage(image: string): boolean {
  return FRONT.test(image);
}
