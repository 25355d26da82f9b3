"""Messages between the processes of a job, sent through tables of the replay servers.

`server_connection` monitors a replay server. `channels` sends and receives arrays, `tables` lists
the channels of a job, and the other modules convert their contents to and from arrays.
"""
