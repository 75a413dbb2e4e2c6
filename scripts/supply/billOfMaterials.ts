import { licenceOf } from './licencePolicy.ts'
import type { LockedPackage } from './lockedPackages.ts'

/** The parts of a CycloneDX 1.5 document that are touched here; the others pass as they are. */
export interface Bom {
  readonly serialNumber?: string
  readonly metadata: { readonly timestamp?: string; readonly component: { readonly name: string } }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

interface Component {
  readonly 'bom-ref': string
  readonly externalReferences?: readonly unknown[]
  readonly licenses?: readonly { readonly license: { readonly id: string } }[]
}

/** The document that npm wrote lacks packages that production needs: it must not be handed out. */
export class IncompleteBomError extends Error {
  override readonly name = 'IncompleteBomError'
  readonly code = 'SBOM_INCOMPLETE'

  constructor(missing: readonly string[]) {
    super(
      `The SBOM lacks ${missing.join(', ')}: look at what npm sbom wrote, and at package-lock.json. Nothing was written.`,
    )
  }
}

/**
 * The SBOM of what runs, out of the one of everything: `npm sbom --omit dev` cannot be used, because it leaves out what
 * a development tool needs as well (undici, yaml). Nothing in it depends on when, where and by which registry it was made:
 * the same lock gives the same bytes. Throws IncompleteBomError.
 * @param product name of this package; npm writes that of the directory
 */
export function billOfMaterials(everything: Bom, production: readonly LockedPackage[], product: string): Bom {
  const wanted = new Map(production.map(found => [found.ref, found]))
  const components = everything.components
    .filter(component => wanted.has(component['bom-ref']))
    .map(component => {
      const pinned = without(component, 'externalReferences')
      const licence = component.licenses === undefined ? licenceOf(wanted.get(component['bom-ref'])!) : null
      return licence === null ? pinned : { ...pinned, licenses: [{ license: { id: licence } }] }
    })
  const present = new Set(components.map(component => component['bom-ref']))
  const missing = [...wanted.keys()].filter(ref => !present.has(ref))
  if (missing.length > 0) throw new IncompleteBomError(missing)

  const root = everything.dependencies[0]?.ref
  return {
    ...without(everything, 'serialNumber'),
    metadata: {
      ...without(everything.metadata, 'timestamp'),
      component: { ...everything.metadata.component, name: product },
    },
    components,
    dependencies: everything.dependencies
      .filter(({ ref }) => ref === root || present.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(other => present.has(other)) })),
  }
}

function without<T extends object, K extends keyof T>(value: T, left: K): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== left)) as Omit<T, K>
}
