/**
 * Loaded into a product process (`NODE_OPTIONS=--import`): stops it (SIGSTOP) at its first encryption of a card. That is
 * after *started* has been committed and before the request leaves. The test lets it go on with SIGCONT.
 */
const encrypt = crypto.subtle.encrypt.bind(crypto.subtle)
let stopped = false

Object.defineProperty(crypto.subtle, 'encrypt', {
  value: (...args: Parameters<typeof encrypt>) => {
    if (!stopped) {
      stopped = true
      process.kill(process.pid, 'SIGSTOP')
    }
    return encrypt(...args)
  },
})
