import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { localStoreCases } from './cases/localStore.ts'
import { storeDamageCases } from './cases/storeDamage.ts'

conform([...localStoreCases, ...storeDamageCases], { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
