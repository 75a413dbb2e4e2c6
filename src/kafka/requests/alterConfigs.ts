import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'

const INCREMENTAL_ALTER_CONFIGS: Api = {
  key: 44,
  name: 'IncrementalAlterConfigs',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 1,
}
const TOPIC_RESOURCE = 2
const SET = 0

/** Sets the given keys of a topic's configuration and leaves the others as they are. */
export function setTopicConfig(
  topic: string,
  config: Readonly<Record<string, string>>,
): Request<{ readonly errorCode: number; readonly errorMessage: string | null }> {
  return {
    api: INCREMENTAL_ALTER_CONFIGS,
    encode: () => {
      const body = new Writer().int32(1).int8(TOPIC_RESOURCE).string(topic)
      body.array(Object.entries(config), ([name, value]) => body.string(name).int8(SET).string(value))
      return [body.boolean(false).finish()]
    },
    decode: reader => {
      reader.int32()
      const answers = reader.array(() => {
        const answer = { errorCode: reader.int16(), errorMessage: reader.nullableString() }
        reader.int8()
        reader.nullableString()
        return answer
      })
      return answers[0] ?? { errorCode: -1, errorMessage: 'the answer names no topic' }
    },
  }
}
