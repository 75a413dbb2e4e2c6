import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { churnCase } from './cases/churn.ts'

/** Ten minutes under the newer protocol, three under the older one; CONFORMANCE_CHURN_MINUTES changes the ten. */
const minutes = Number(process.env.CONFORMANCE_CHURN_MINUTES ?? '10')
const bed = { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION }

conform([churnCase(minutes)], { ...bed, protocols: ['v2'] })
conform([churnCase(Math.ceil(minutes * 0.3))], { ...bed, protocols: ['v1'] })
