import { knot } from './knot.ts'
import { overview } from './overview.ts'
import type { Dashboard } from './panel.ts'
import { pipeline } from './pipeline.ts'

/** Every dashboard there is; the files in `dashboards/` are made of them. */
export const DASHBOARDS: readonly Dashboard[] = [overview, pipeline, knot]
