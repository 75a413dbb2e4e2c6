import { readFileSync } from 'node:fs'

/** The content of a file that holds the value of a setting: as it is, without the newline that editors add at the end. */
export function readValueFile(path: string): string {
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
}
