import { AwsClient } from 'aws4fetch'

/**
 * Makes a bucket of a test's own.
 * @param address of a store, `s3://key:secret@host:port`
 * @returns its address as the setting takes it
 */
export async function makeBucket(address: string, name: string): Promise<string> {
  const { username, password, host } = new URL(address)
  const s3 = new AwsClient({ accessKeyId: username, secretAccessKey: password, service: 's3', region: 'us-east-1' })
  const answer = await s3.fetch(`http://${host}/${name}`, { method: 'PUT' })
  if (!answer.ok) throw new Error(`a bucket: ${answer.status} ${await answer.text()}`)
  return `s3://${username}:${password}@${host}/${name}`
}
