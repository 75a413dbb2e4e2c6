import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { prepareIngestStart } from '../../../src/cli/run/startOffsets.ts'
import type { Config } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { groupOffsets } from '../../../src/kafka/groupOffsets.ts'
import { createTopics, testClient } from '../../support/topics.ts'

const brokers = inject('brokers')
const producer = testClient(brokers).producer()
let cluster: Cluster

beforeAll(async () => {
  cluster = await Cluster.connect({ brokers: brokers.split(','), clientId: 'test' })
  await producer.connect()
})
afterAll(async () => {
  await producer.disconnect()
  await cluster.close()
})

const DAY_MS = 86_400_000
const DAY_AGO = new Date(Date.now() - DAY_MS).toISOString()

/** An installation whose lifecycle topic has three records, of a week ago, of an hour ago and of now. */
async function installation(): Promise<(startAt: string) => Config> {
  const id = `start-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 6)}`
  const configOf = (startAt: string) =>
    loadConfig(
      {
        environment: {
          ONFILE_APPLICATION_ID: id,
          ONFILE_TOPICS_CARD_LIFECYCLE: `${id}-card-lifecycle`,
          ONFILE_TOPICS_KNOT_EVENTS: `${id}-knot-events`,
          ONFILE_INGEST_START_AT: startAt,
        },
      },
      'print',
    )
  const { topics } = configOf('latest')
  const names = [topics.cardLifecycle, topics.knotEvents, topics.userEvents]
  const configEntries = [{ name: 'retention.ms', value: '-1' }]
  await createTopics(
    brokers,
    names.map(topic => ({ topic, numPartitions: 1, configEntries })),
  )
  const messages = [7 * DAY_MS, DAY_MS / 24, 0].map(ageMs => ({ value: 'x', timestamp: String(Date.now() - ageMs) }))
  await producer.send({ topic: topics.cardLifecycle, messages })
  return configOf
}

const begins = async (config: Config) =>
  (await groupOffsets(cluster, `${config.application.id}-ingest`, config.topics.cardLifecycle, 1))[0]

async function hasWorked({ topics }: Config): Promise<void> {
  await producer.send({ topic: topics.userEvents, messages: [{ value: 'x' }] })
}

describe('where INGEST begins', () => {
  it.each([
    ['earliest', 0],
    ['latest', 3],
    [DAY_AGO, 1],
  ])('the first time: at %s', async (startAt, offset) => {
    const config = (await installation())(startAt)
    expect((await prepareIngestStart(cluster, config)).notices).toEqual([])
    expect(await begins(config)).toBe(offset)
  })

  it('where it was, once it has offsets, whatever the setting still says', async () => {
    const configOf = await installation()
    await prepareIngestStart(cluster, configOf(DAY_AGO))
    await hasWorked(configOf('latest'))
    for (const startAt of ['earliest', 'latest', '']) {
      expect((await prepareIngestStart(cluster, configOf(startAt))).notices).toEqual([])
    }
    expect(await begins(configOf('latest'))).toBe(1)
  })

  it.each(['earliest', 'latest'])('not at %s where it has worked before and its offsets are lost', async startAt => {
    const config = (await installation())(startAt)
    await hasWorked(config)
    await expect(prepareIngestStart(cluster, config)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /offsets were lost\. Whoever runs onfile must set ingest\.startAt to a time/,
      ) as string,
    })
    expect(await begins(config)).toBe(-1)
  })

  it('at a time that somebody has set after the loss, and says so', async () => {
    const config = (await installation())(DAY_AGO)
    await hasWorked(config)
    const { notices } = await prepareIngestStart(cluster, config)
    expect(notices[0]).toContain(`had lost its offsets of ${config.topics.cardLifecycle} and began again at ${DAY_AGO}`)
    expect(await begins(config)).toBe(1)
  })
})
