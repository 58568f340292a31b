-- Posts send_msg as fast as it can: 2,000 conversations in turn, bodies of about 300 bytes, nothing checked
-- but the status. The token is in the environment: see rehearsal.sh. CALL names another path, to compare with.
local token = os.getenv("TOKEN")
local call = os.getenv("CALL") or "/msg/send_msg"
local conversations = tonumber(os.getenv("CONVERSATIONS") or "2000")
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local heads, n

function init(args)
  heads, n = {}, 0
  local text = string.rep("x", 75)
  for c = 0, conversations - 1 do
    local body = string.format(
      '{"sendID":"a%d","recvID":"b%d","senderNickname":"","senderFaceURL":"","senderPlatformID":1,' ..
      '"content":{"content":"%s"},"contentType":101,"sessionType":1,"isOnlineOnly":false,' ..
      '"notOfflinePush":true,"sendTime":1500000000000,"ex":""}', c, c, text)
    heads[c] = {
      "POST " .. call .. " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\ntoken: " .. token ..
      "\r\nContent-Length: " .. #body .. "\r\noperationID: " .. id .. "-",
      "\r\n\r\n" .. body,
    }
  end
end

function request()
  local parts = heads[n % conversations]
  n = n + 1
  return parts[1] .. n .. parts[2]
end
