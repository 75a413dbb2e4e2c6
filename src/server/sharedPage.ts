import type { MetricsPage } from '../telemetry/metrics.ts'

/** The page of metrics, ready to be sent. */
export interface PageBytes {
  readonly contentType: string
  readonly body: Buffer
}

/**
 * One page for all who ask at the same time. Who comes while a page is being made waits for the next one, since the one
 * under way may be older than the question; all who wait get the same bytes. So two hundred scrapers cost two pages.
 */
export class SharedPage {
  readonly #make: () => Promise<MetricsPage>
  #running: Promise<PageBytes> | null = null
  #next: Promise<PageBytes> | null = null

  constructor(make: () => Promise<MetricsPage>) {
    this.#make = make
  }

  get(): Promise<PageBytes> {
    if (this.#running === null) return this.#start()
    this.#next ??= this.#running.then(ignore, ignore).then(() => {
      this.#next = null
      return this.#start()
    })
    return this.#next
  }

  #start(): Promise<PageBytes> {
    const running = this.#bytes().finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
    return running
  }

  async #bytes(): Promise<PageBytes> {
    const { contentType, body } = await this.#make()
    return { contentType, body: Buffer.from(body) }
  }
}

const ignore = (): void => undefined
