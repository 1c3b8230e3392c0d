/** Nobody sees the paint of a page in the background: there it goes on all the same. */
const UNSEEN_MS = 100

/** Runs when what has been made so far is on the screen, in a task of its own. @returns how to call it off */
export function afterPaint(run: () => void): () => void {
  let timer = setTimeout(go, UNSEEN_MS)
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer)
    timer = setTimeout(go)
  })
  function go(): void {
    cancelAnimationFrame(frame)
    run()
  }
  return () => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }
}
