"""The importer that a migrant writes in an afternoon: 32 workers, rows in file order, a 0 is a success."""
import asyncio
import json
import sys
import time

import aiohttp

api, path, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def main():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=workers)) as session:

        async def post(where, body, token=''):
            head = {'operationID': str(time.time_ns()), 'token': token}
            async with session.post(api + where, json=body, headers=head) as answer:
                return await answer.json()

        login = await post('/auth/get_admin_token', {'secret': 'openIM123', 'userID': 'imAdmin'})
        token, rows, acknowledged = login['data']['token'], iter(open(path)), 0

        async def worker():
            nonlocal acknowledged
            for line in rows:
                answer = await post('/msg/send_msg', json.loads(line), token)
                acknowledged += answer['errCode'] == 0

        start = time.monotonic()
        await asyncio.gather(*[worker() for _ in range(workers)])
        print(json.dumps({'acknowledged': acknowledged, 'seconds': time.monotonic() - start}))


asyncio.run(main())
