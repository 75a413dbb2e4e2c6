import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { fullVolumeCases } from './cases/fullVolume.ts'
import { localStoreCases } from './cases/localStore.ts'
import { storeDamageCases } from './cases/storeDamage.ts'
import { tornStoreCases } from './cases/tornStore.ts'

conform([...localStoreCases, ...storeDamageCases, ...tornStoreCases, ...fullVolumeCases], {
  brokers: () => inject('brokers'),
  kafkaVersion: KAFKA_VERSION,
})
