declare global {
  namespace App {
    interface Error {
      /** Problem code of the API where there was one. */
      code?: string
    }
  }
}

export {}
