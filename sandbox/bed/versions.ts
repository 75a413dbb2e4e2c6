/** Apache Kafka release of the bed, on Docker and on the JVM. Equal to `kafka.version` in pom.xml (a test compares). */
export const KAFKA_VERSION = '4.3.1'

/** Apicurio Registry release of the bed. Equal to `registry.version` in pom.xml (a test compares). */
export const REGISTRY_VERSION = '2.6.13.Final'

/** Path of Apicurio's Confluent-compatible API below its root. */
export const REGISTRY_API_PATH = '/apis/ccompat/v7'
