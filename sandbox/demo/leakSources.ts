import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../../src/kafka/cluster.ts'
import { testPerson } from '../people.ts'
import type { TestCard } from '../people.ts'
import { cardNeedles, cardNumberNeedle, findLeaks, joseNeedle, textNeedles } from './leakSearch.ts'
import type { Haystack, Needle } from './leakSearch.ts'
import type { Story } from './story.ts'
import { STRAY_CARD_NUMBER } from './strayRecords.ts'
import type { LeakReport } from './summary.ts'
import { rawTopic } from './topicTail.ts'

/** Where the search looks. */
export interface LeakSources {
  readonly cluster: Cluster
  readonly topics: readonly string[]
  /** The issuer's topic that holds the stray card number: there it must be found, which proves the search. */
  readonly strayTopic: string
  readonly log: Buffer
  readonly stateDir: string
  readonly metrics: string
}

/** What no topic, log, file or metric may hold: the cards, the people's data, the secrets. */
export const secretNeedles = (
  cards: readonly TestCard[],
  stories: readonly Story[],
  secrets: Readonly<Record<string, string>>,
): Needle[] =>
  distinct([
    ...cards.flatMap(cardNeedles),
    joseNeedle,
    ...stories.flatMap(({ person, userId }) => {
      const { name, address, phone_number } = testPerson(person)
      return [
        ...textNeedles(`name of ${userId}`, `${name.first_name} ${name.last_name}`),
        ...textNeedles(`telephone number of ${userId}`, phone_number),
        ...textNeedles(`street of ${userId}`, address.street),
      ]
    }),
    ...Object.entries(secrets).flatMap(([name, text]) => textNeedles(name, text)),
  ])

/** A renewed card keeps its number: it is looked for once. */
const distinct = (needles: readonly Needle[]): Needle[] => [
  ...new Map(needles.map(needle => [needle.pattern.source, needle])).values(),
]

/** Searches all topics' raw bytes, the log, the state directory and `/metrics`. */
export const searchForLeaks = async (sources: LeakSources, needles: readonly Needle[]): Promise<LeakReport> => {
  const haystacks: Haystack[] = [
    { place: 'the log', bytes: sources.log },
    { place: '/metrics', bytes: Buffer.from(sources.metrics) },
    ...filesUnder(sources.stateDir).map(file => ({ place: 'the state directory', bytes: readFileSync(file) })),
  ]
  for (const topic of sources.topics) {
    haystacks.push({ place: `topic ${topic}`, bytes: Buffer.concat(await rawTopic(sources.cluster, topic)) })
  }
  const stray = findLeaks(haystacks, [cardNumberNeedle(STRAY_CARD_NUMBER)])
  const isKnown = (place: string): boolean => place === `topic ${sources.strayTopic}`
  return {
    leaks: [...findLeaks(haystacks, needles), ...stray.filter(({ place }) => !isKnown(place))],
    topics: sources.topics.length,
    sizeBytes: haystacks.reduce((sum, { bytes }) => sum + bytes.length, 0),
    problems: stray.some(({ place, count }) => isKnown(place) && count === 1)
      ? []
      : [`The search did not find the stray card number once in ${sources.strayTopic}, where it is.`],
  }
}

const filesUnder = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map(name => join(dir, name))
    .filter(path => statSync(path).isFile())
