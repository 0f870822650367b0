/** What a runtime has to be able to do: call a server over HTTP, stand before it as a proxy, and serve without a socket. */
export async function check({ Client, FastMCP }, url) {
  const done = []
  for (const era of ['2025-11-25', '2026-07-28']) {
    const client = await Client.connect(url, { era })
    const progress = []
    const onProgress = (report) => progress.push(report.progress)
    expect((await client.callTool('add', { a: 19, b: 23 }, { onProgress })).data, '42')
    expect(progress.join(), '1')
    const slow = await client.callTool('wait', {}, { timeoutMs: 200 }).catch((error) => error)
    expect(slow.name, 'RequestTimeoutError')
    await client.close()
    done.push(`client ${era}`)
  }
  const proxy = FastMCP.asProxy(url, { name: 'proxy' })
  const client = await Client.connect(proxy)
  expect((await client.callTool('add', { a: 1, b: 2 })).data, '3')
  expect((await proxy.request('/health')).status, 200)
  await client.close()
  await proxy.stop()
  done.push('proxy')
  const refused = await Client.connect('http://127.0.0.1:1/mcp').catch((error) => error)
  expect(refused.name, 'ConnectionError')
  return done
}

function expect(actual, expected) {
  if (actual !== expected)
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`)
}
