"""Messages between the processes of a job, sent through tables of the replay servers.

`server_connection` monitors a replay server. `channels` sends and receives arrays, and `sealing`
recognizes damaged ones. `tables` lists the channels of a job, `job_configuration` compares the
settings of its processes, and the other modules convert messages to and from arrays.
"""
